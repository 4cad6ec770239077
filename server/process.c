/*
 * Processes of clients
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>

#include "process.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static struct process *processes;

struct process *process_find( uint32_t pid )
{
    struct process *process = processes;

    while (process && process->pid != pid) process = process->next;
    return process;
}

NTSTATUS process_open( uint32_t pid, struct process **ret )
{
    FILETIME start, end, kernel, user;
    struct process *process;

    if ((process = process_find( pid )))
    {
        process->refcount++;
        *ret = process;
        return STATUS_SUCCESS;
    }
    if (!(process = calloc( 1, sizeof(*process) ))) return STATUS_NO_MEMORY;
    process->pid = pid;
    process->refcount = 1;
    if (!(process->handle = OpenProcess( PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION, FALSE, pid )))
    {
        DWORD error = GetLastError();

        free( process );
        return error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_PARAMETER ? STATUS_ACCESS_DENIED
                                                                                : STATUS_INSUFFICIENT_RESOURCES;
    }
    /* what tells it from another one with the same id */
    if (!GetProcessTimes( process->handle, &start, &end, &kernel, &user ))
    {
        CloseHandle( process->handle );
        free( process );
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    process->start_time = (uint64_t)start.dwHighDateTime << 32 | start.dwLowDateTime;
    process->next = processes;
    processes = process;
    *ret = process;
    return STATUS_SUCCESS;
}

void process_grab( struct process *process )
{
    process->refcount++;
}

void process_release( struct process *process )
{
    struct process **link;

    if (--process->refcount) return;
    for (link = &processes; *link != process; link = &(*link)->next) ;
    *link = process->next;
    CloseHandle( process->handle );
    free( process );
}

/* Is the group of administrators there, enabled, and not only for denying? What UAC calls the type of the token is not asked:
 * every token of Wine 10 says TokenElevationTypeLimited, an administrator's included. */
static NTSTATUS check_administrators( const TOKEN_GROUPS *groups )
{
    SID_IDENTIFIER_AUTHORITY authority = { SECURITY_NT_AUTHORITY };
    PSID administrators;
    int ret = 0;
    DWORD i;

    if (!AllocateAndInitializeSid( &authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS,
                                   0, 0, 0, 0, 0, 0, &administrators ))
        return STATUS_NO_MEMORY;
    for (i = 0; i < groups->GroupCount; i++)
    {
        if (!EqualSid( groups->Groups[i].Sid, administrators )) continue;
        ret = (groups->Groups[i].Attributes & SE_GROUP_ENABLED) &&
              !(groups->Groups[i].Attributes & SE_GROUP_USE_FOR_DENY_ONLY);
    }
    FreeSid( administrators );
    return ret ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

NTSTATUS process_check_elevated( const struct process *process )
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    TOKEN_GROUPS *groups = NULL, *larger;
    DWORD size = 1024;  /* more than Wine's tokens have */
    BOOL done = FALSE;
    HANDLE token;

    if (!OpenProcessToken( process->handle, TOKEN_QUERY, &token )) return status;
    while (!done && (larger = realloc( groups, size )))
    {
        groups = larger;
        if (!(done = GetTokenInformation( token, TokenGroups, groups, size, &size )) && GetLastError() != ERROR_INSUFFICIENT_BUFFER) break;
    }
    if (done) status = check_administrators( groups );
    free( groups );
    CloseHandle( token );
    return status;
}

unsigned int processor_count(void)
{
    return GetActiveProcessorCount( ALL_PROCESSOR_GROUPS );
}

static unsigned int read_first_ephemeral_port(void)
{
    unsigned int port = 32768;  /* unless set otherwise */
    HANDLE file = CreateFileW( L"\\\\?\\unix\\proc\\sys\\net\\ipv4\\ip_local_port_range", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE,
                               NULL, OPEN_EXISTING, 0, NULL );
    char text[32];
    DWORD size;

    if (file == INVALID_HANDLE_VALUE) return port;
    if (ReadFile( file, text, sizeof(text) - 1, &size, NULL ) && size)
    {
        text[size] = 0;
        if (atoi( text ) > 0) port = atoi( text );
    }
    CloseHandle( file );
    return port;
}

unsigned int first_ephemeral_port(void)
{
    static unsigned int port;
    static DWORD time;

    if (!port || GetTickCount() - time >= 1000)
    {
        port = read_first_ephemeral_port();
        time = GetTickCount();
    }
    return port;
}

/* RtlGenRandom of <ntsecapi.h>, under the name that advapi32 exports */
extern BOOLEAN WINAPI SystemFunction036( void *buffer, ULONG len );

NTSTATUS random_token( uint64_t *token )
{
    do
    {
        if (!SystemFunction036( token, sizeof(*token) )) return STATUS_UNSUCCESSFUL;
    } while (!*token);
    return STATUS_SUCCESS;
}
