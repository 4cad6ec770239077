/*
 * Other processes of this program
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "child.h"

void fail( const char *what, int error )
{
    fprintf( stderr, "bench: %s failed, error %d\n", what, error );
    exit( 1 );
}

static void make_pipe( HANDLE *read, HANDLE *write, HANDLE *ours )
{
    SECURITY_ATTRIBUTES inherited = { sizeof(inherited), NULL, TRUE };

    if (!CreatePipe( read, write, &inherited, 0 )) fail( "CreatePipe", GetLastError() );
    SetHandleInformation( *ours, HANDLE_FLAG_INHERIT, 0 );
}

void child_start( struct child *child, const char *arguments )
{
    STARTUPINFOA startup = { .cb = sizeof(startup), .dwFlags = STARTF_USESTDHANDLES };
    char path[MAX_PATH], command[MAX_PATH + 100], line[100];
    PROCESS_INFORMATION info;

    make_pipe( &startup.hStdInput, &child->input, &child->input );
    make_pipe( &child->output, &startup.hStdOutput, &child->output );
    startup.hStdError = GetStdHandle( STD_ERROR_HANDLE );
    GetModuleFileNameA( NULL, path, sizeof(path) );
    snprintf( command, sizeof(command), "bench %s", arguments );
    if (!CreateProcessA( path, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &info )) fail( "CreateProcess", GetLastError() );
    CloseHandle( info.hThread );
    CloseHandle( startup.hStdInput );
    CloseHandle( startup.hStdOutput );
    child->process = info.hProcess;
    child_ask( child, line, sizeof(line) );
    if (strcmp( line, "ready" )) fail( command, 0 );
}

void child_tell( const struct child *child, const char *line )
{
    char buffer[100];
    DWORD size = snprintf( buffer, sizeof(buffer), "%s\n", line );

    if (!WriteFile( child->input, buffer, size, &size, NULL )) fail( "writing to a child", GetLastError() );
}

void child_ask( const struct child *child, char *line, unsigned int size )
{
    unsigned int length = 0;
    DWORD count;
    char c;

    while (ReadFile( child->output, &c, 1, &count, NULL ) && count && c != '\n')
        if (c != '\r' && length < size - 1) line[length++] = c;
    line[length] = 0;
}

void child_end( struct child *child )
{
    child_tell( child, "end" );
    WaitForSingleObject( child->process, INFINITE );
    CloseHandle( child->input );
    CloseHandle( child->output );
    CloseHandle( child->process );
}

void say( const char *format, ... )
{
    va_list args;

    va_start( args, format );
    vprintf( format, args );
    va_end( args );
    putchar( '\n' );
    fflush( stdout );
}

int listen_to_parent( char *line, unsigned int size )
{
    if (!fgets( line, size, stdin )) return 0;
    line[strcspn( line, "\r\n" )] = 0;
    return strcmp( line, "end" );
}
