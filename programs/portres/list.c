/*
 * Showing what the host of reservations holds
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "portres.h"
#include "afdclient.h"
#include "guard.h"
#include <winioctl.h>
#include "wine/afd_ports.h"

static const unsigned int protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *protocol_name( unsigned int protocol )
{
    return protocol == PROTOCOL_TCP ? "tcp" : "udp";
}

static const char *kind_name( unsigned int kind )
{
    return kind == RESERVATION_PERSISTENT ? "persistent" : "runtime";
}

static int report_call( NTSTATUS status )
{
    DWORD pid;

    if (find_host() == HOST_WINE)
        return fail( "wineserver can't tell now: %s; try again", error_text( win32_error_from_status( status ) ) );
    if (status == STATUS_REVISION_MISMATCH)
        return fail( "the port reservation server is of another version; 'wine-portres install' puts this one in its place" );
    if (status != STATUS_HOST_UNREACHABLE)
        return fail( "the port reservation server can't tell now: %s; try again", error_text( win32_error_from_status( status ) ) );
    if ((pid = find_server()))
        return fail( "the port reservation server (process %lu) does not answer; 'wine-portres install' ends it and starts it anew", pid );
    return fail( "the port reservation server can't be started; 'wine-portres install' starts it, or says why that can't be" );
}

/* not in mingw-w64's <winternl.h>; GetVersionEx() tells a program without a manifest less than there is */
extern NTSTATUS NTAPI RtlGetVersion( RTL_OSVERSIONINFOEXW *info );

static void show_windows_version(void)
{
    RTL_OSVERSIONINFOEXW version = { .dwOSVersionInfoSize = sizeof(version) };

    RtlGetVersion( &version );
    printf( "Windows: version %lu.%lu%s\n", version.dwMajorVersion, version.dwMinorVersion, version.dwMajorVersion >= 10 ? "" :
            "; some programs (msquic) reserve ports only from 10.0 on: 'wine winecfg -v win10' makes this prefix a Windows 10" );
}

static void show_guard_limits( unsigned int guards, unsigned int limit, unsigned int missing, BOOL exhausted )
{
    if (limit) printf( "guard: %u ports are guarded, of %u that can be\n", guards, limit );
    else printf( "guard: %u ports are guarded\n", guards );
    if (exhausted)
        printf( "guard: no more ports can be guarded: raise the hard limit of descriptors ('ulimit -Hn') and start the prefix again\n" );
    if (missing) printf( "guard: %u reserved ports are NOT guarded: they are in use by others, or the limit is reached\n", missing );
}

static int show_wineserver(void)
{
    struct afd_ports_info info;
    NTSTATUS status = afdclient_info( &info );

    if (status) return report_call( status );
    printf( "server: wineserver answers, %u runtime and %u persistent reservations, %u sockets\n",
            info.runtime, info.persistent, info.sockets );
    if (info.flags & AFD_PORTS_NO_JOURNAL)
        printf( "server: ports.journal can't be read or written (is the disk full, or write-protected?): persistent reservations can't be "
                "created or deleted\n" );
    show_guard_limits( info.guards, info.max_guards, info.missing, info.flags & AFD_PORTS_EXHAUSTED );
    return EXIT_OK;
}

static int show_portserver(void)
{
    static const struct { unsigned int bit; const char *who; } coverage[] =
    {
        { GUARD_COVERS_EPHEMERAL, "ports that the kernel chooses" },
        { GUARD_COVERS_WINE,      "programs of Wine, also in other prefixes" },
        { GUARD_COVERS_NATIVE,    "native Linux programs that ask for a port" },
    };
    union generic_request req = { 0 };
    union generic_reply reply;
    const struct get_server_info_reply *info = &reply.get_server_info_reply;
    NTSTATUS status;
    unsigned int i;

    req.__header.req = REQ_get_server_info;
    if ((status = portclient_call( &req, &reply ))) return report_call( status );

    printf( "server: answers (process %u), %u runtime and %u persistent reservations, %u sockets, %u clients\n",
            info->pid, info->runtime, info->persistent, info->sockets, info->clients );
    if (info->unsaved)
        printf( "server: the file 'state' can't be written (is the disk full, or write-protected?): runtime reservations would NOT survive the server\n" );
    for (i = 0; i < ARRAY_SIZE(coverage); i++)
        printf( "guard: %-42s %s\n", coverage[i].who, (info->guard & coverage[i].bit) ? "kept off reserved ports" : "NOT kept off reserved ports" );
    show_guard_limits( info->guards, info->guard_limit, info->guard_missing, info->guard & GUARD_EXHAUSTED );
    if (info->guard & GUARD_ELSEWHERE)
        printf( "guard: portguard can't go to the network namespace of wineserver; start the prefix in the namespace where its programs run\n" );
    if (info->guard & GUARD_SILENT)
        printf( "guard: portguard does NOT answer (is it stopped?): acquire and bind fail until it does, or is replaced some seconds later\n" );
    if (is_part_of_wine())
        printf( "Wine: has reservations of its own as well; after 'wine-portres uninstall' its programs use those\n" );
    return EXIT_OK;
}

int show_status(void)
{
    if (find_host() == HOST_NONE) return EXIT_NO_HOST;
    show_windows_version();
    return find_host() == HOST_WINE ? show_wineserver() : show_portserver();
}

/* For the tool, which has to know before it changes anything: the Wine, whatever is installed. */
int show_host(void)
{
    return is_part_of_wine() ? EXIT_OK : EXIT_NO_HOST;
}

static void print_json_string( const char *str )
{
    putchar( '"' );
    for (; *str; str++)
    {
        if (*str == '"' || *str == '\\') printf( "\\%c", *str );
        else if ((unsigned char)*str < ' ') printf( "\\u%04x", *str );
        else putchar( *str );
    }
    putchar( '"' );
}

/* Print the ports of a block that sockets hold: 50000,50003-50005, or one by one when json is set. */
static NTSTATUS print_ports_in_use( unsigned int protocol, const struct reservation_info *entry, int json )
{
    union generic_reply reply;
    const struct get_ports_in_use_reply *list = &reply.get_ports_in_use_reply;
    unsigned int i, first = entry->first, last = entry->first + entry->count - 1;
    unsigned int run_first = 0, run_last = 0, port;
    const char *separator = "";
    NTSTATUS status;

    do
    {
        if ((status = get_ports_in_use( protocol, first, last, &reply ))) return status;

        for (i = 0; i < list->count && i < ARRAY_SIZE(list->ports); i++)
        {
            port = list->ports[i];
            if (!json && run_first && port == run_last + 1)
            {
                run_last = port;
                continue;
            }
            if (run_first)
            {
                printf( run_last > run_first ? "%s%u-%u" : "%s%u", separator, run_first, run_last );
                separator = ",";
            }
            run_first = run_last = port;
        }
        first = run_last + 1;
    } while (list->count >= ARRAY_SIZE(list->ports) && first <= last);

    if (run_first) printf( run_last > run_first ? "%s%u-%u" : "%s%u", separator, run_first, run_last );
    else if (!json) printf( "-" );
    return STATUS_SUCCESS;
}

static NTSTATUS print_reservation( unsigned int protocol, const struct reservation_info *entry, int json, int is_first )
{
    unsigned int last = entry->first + entry->count - 1;
    char name[3 * MAX_PATH], owner[3 * MAX_PATH + 16] = "-";
    NTSTATUS status = STATUS_SUCCESS;

    if (entry->owner)
    {
        get_process_name( entry->owner, name, sizeof(name) );
        snprintf( owner, sizeof(owner), "%s (%u)", name, entry->owner );
    }
    if (!json)
    {
        if (is_first) printf( "%-8s  %5s  %5s  %-10s  %-24s  %s\n", "PROTOCOL", "FIRST", "LAST", "KIND", "OWNER", "IN USE" );
        printf( "%-8s  %5u  %5u  %-10s  %-24s  ", protocol_name( protocol ), entry->first, last, kind_name( entry->kind ), owner );
        if (entry->in_use) status = print_ports_in_use( protocol, entry, json );
        else printf( "-" );
        printf( "\n" );
        return status;
    }
    printf( "%s\n  {\"protocol\":\"%s\",\"first\":%u,\"last\":%u,\"kind\":\"%s\",\"owner\":", is_first ? "" : ",",
            protocol_name( protocol ), entry->first, last, kind_name( entry->kind ));
    if (entry->owner)
    {
        printf( "{\"pid\":%u,\"name\":", entry->owner );
        print_json_string( name );
        printf( "}" );
    }
    else printf( "null" );
    printf( ",\"ports_in_use\":[" );
    if (entry->in_use) status = print_ports_in_use( protocol, entry, json );
    printf( "]}" );
    return status;
}

int list_reservations( int json )
{
    union generic_reply reply;
    const struct get_reservations_reply *list = &reply.get_reservations_reply;
    unsigned int i, j, from, total = 0;
    NTSTATUS status;

    if (find_host() == HOST_NONE) return EXIT_NO_HOST;
    for (i = 0; i < ARRAY_SIZE(protocols); i++)
    {
        from = 0;
        do
        {
            if ((status = get_reservations( protocols[i], from, &reply ))) return report_call( status );
            if (json && !total && !from && !i) printf( "{\"reservations\":[" );

            for (j = 0; j < list->count && j < ARRAY_SIZE(list->entries); j++)
            {
                if ((status = print_reservation( protocols[i], &list->entries[j], json, !total++ ))) return report_call( status );
                from = list->entries[j].first + 1u;
            }
        } while (list->count >= ARRAY_SIZE(list->entries));
    }
    if (json) printf( "%s]}\n", total ? "\n" : "" );
    else if (!total) printf( "no reservations\n" );
    return EXIT_OK;
}
