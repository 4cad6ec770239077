/*
 * Carrying out netsh's commands on port exclusions
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdio.h>

#include "command.h"
#include "error.h"
#include "portclient.h"
#include "text.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* The words, the columns and the blanks at the ends of lines are those of Windows, since scripts read them: the outputs in
 * docker/for-win issue 1707 and dotnet/aspnetcore issue 25562, and for the blanks the tests of OpenTelemetry's collector
 * (createExclusionsList). netsh of Windows prints errors on standard output as well. */

static const char *verb_name( enum netsh_verb verb )
{
    return verb == NETSH_SHOW ? "show" : verb == NETSH_ADD ? "add" : "delete";
}

static void print_help( enum netsh_verb verb )
{
    printf( "\nUsage: %s excludedportrange [protocol=]tcp|udp\n", verb_name( verb ) );
    if (verb != NETSH_SHOW) printf( "             [startport=]<integer> [numberofports=]<integer>\n" );
    printf( "             [[store=]active|persistent]\n\n"
            "Parameters:\n\n"
            "      Tag              Value\n"
            "      protocol       - tcp or udp.\n" );
    switch (verb)
    {
    case NETSH_SHOW:
        printf( "      store          - active:     all exclusions in effect. This is the default.\n"
                "                       persistent: administered exclusions alone.\n\n"
                "Remarks: Lists blocks of ports that are not given to programs that take any port.\n\n"
                "Example:\n\n"
                "      show excludedportrange protocol=tcp\n\n" );
        break;
    case NETSH_ADD:
        printf( "      startport      - First port of the block, 1 to 65535.\n"
                "      numberofports  - Number of ports of the block.\n"
                "      store          - persistent: the block stays until it is deleted. This is the default.\n"
                "                       active:     not available in Wine.\n\n"
                "Remarks: Keeps a block of ports from being given to programs that take any port. No port\n"
                "         of it may be in use, or in another block.\n\n"
                "Example:\n\n"
                "      add excludedportrange protocol=tcp startport=50000 numberofports=20\n\n" );
        break;
    default:
        printf( "      startport      - First port of the block.\n"
                "      numberofports  - Number of ports of the block.\n"
                "      store          - persistent: the block is gone for good. This is the default.\n"
                "                       active:     not available in Wine.\n\n"
                "Remarks: Ends what 'add excludedportrange' did. Start and number of ports must be the same.\n\n"
                "Example:\n\n"
                "      delete excludedportrange protocol=tcp startport=50000 numberofports=20\n\n" );
        break;
    }
}

static int syntax_error( const struct netsh_command *command )
{
    int len = command->word.len;

    switch (command->error)
    {
    case NETSH_MISSING:
        printf( "One or more essential parameters were not entered.\n"
                "Verify the required parameters, and reenter them.\n" );
        break;
    case NETSH_BAD_TAG:
        printf( "'%.*s' is not a valid argument for this command.\n", len, command->word.text );
        break;
    default:
        printf( "'%.*s' is not an acceptable value for '%s'.\n", len, command->word.text, command->tag );
        break;
    }
    printf( "The syntax supplied for this command is not valid. Check help for the correct syntax.\n" );
    print_help( command->verb );
    return 1;
}

static const char *protocol_name( const struct netsh_command *command )
{
    return command->protocol == PROTOCOL_TCP ? "tcp" : "udp";
}

/* as the server sees it: not by TokenElevation, by which no program is elevated in Wine 10.0 */
static int is_administrator(void)
{
    SID_IDENTIFIER_AUTHORITY authority = { SECURITY_NT_AUTHORITY };
    BOOL member = FALSE;
    PSID administrators;

    if (!AllocateAndInitializeSid( &authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS,
                                   0, 0, 0, 0, 0, 0, &administrators ))
        return 0;
    if (!CheckTokenMembership( NULL, administrators, &member )) member = FALSE;
    FreeSid( administrators );
    return member;
}

/* Windows' words for what the server said, which differ from those of FormatMessage() in Wine */
static int request_error( NTSTATUS status, const struct netsh_command *command )
{
    switch (status)
    {
    case STATUS_SUCCESS:
        return 0;
    case STATUS_SHARING_VIOLATION:
        printf( "The process cannot access the file because it is being used by another process.\n\n" );
        fflush( stdout );
        fprintf( stderr, "netsh: 'wine-portres who %s %u %u' tells which port is taken, and by whom\n",
                 protocol_name( command ), command->start, command->count );
        return 1;
    case STATUS_ACCESS_DENIED:
        /* an administrator is refused a block that a program has at the moment */
        if (is_administrator()) printf( "Access is denied.\n\n" );
        else printf( "The requested operation requires elevation (Run as administrator).\n\n" );
        return 1;
    case STATUS_NOT_FOUND:
        printf( "The system cannot find the file specified.\n\n" );
        return 1;
    case STATUS_INVALID_PARAMETER:
        printf( "The parameter is incorrect.\n\n" );
        return 1;
    case STATUS_HOST_UNREACHABLE:
        fprintf( stderr, "netsh: the port reservation server does not answer; 'wine-portres status' tells more\n" );
        return 1;
    default:
        fprintf( stderr, "netsh: the port reservation server could not do it: %s; portserver.log in the folder system32\\portres "
                 "may tell why\n", error_text( win32_error_from_status( status ) ) );
        return 1;
    }
}

static int show( const struct netsh_command *command )
{
    union generic_request req = { .__header.req = REQ_get_reservations };
    const struct get_reservations_reply *page;
    union generic_reply reply;
    NTSTATUS status;
    unsigned int i, from = 0;
    int header = 0;

    do
    {
        req.get_reservations_request.protocol = command->protocol;
        req.get_reservations_request.from = from;
        if ((status = portclient_call( &req, &reply ))) return request_error( status, command );
        if (!header)
        {
            printf( "\nProtocol %s Port Exclusion Ranges\n\n"
                    "Start Port    End Port      \n"
                    "----------    --------      \n", protocol_name( command ));
            header = 1;
        }
        page = &reply.get_reservations_reply;
        for (i = 0; i < page->count; i++)
        {
            const struct reservation_info *info = &page->entries[i];
            int administered = info->kind == RESERVATION_PERSISTENT;

            from = info->first + info->count;
            if (command->store == NETSH_STORE_PERSISTENT && !administered) continue;
            printf( "%10u  %10u     %c\n", info->first, from - 1, administered ? '*' : ' ' );
        }
    } while (page->count == sizeof(page->entries) / sizeof(page->entries[0]) && from <= 65535);

    printf( "\n* - Administered port exclusions.\n\n" );
    return 0;
}

static int change( const struct netsh_command *command )
{
    union generic_request req = { .__header.req = REQ_create_persistent_reservation };
    union generic_reply reply;
    NTSTATUS status;

    if (command->store == NETSH_STORE_ACTIVE)
    {
        /* On Windows it lasts until the next boot. Doing it for good, or not at all, would both be a surprise. */
        fprintf( stderr, "netsh: store=active is not available in Wine: leave it out, or use store=persistent\n" );
        return 1;
    }
    if (command->verb == NETSH_ADD)
    {
        req.create_persistent_reservation_request.protocol = command->protocol;
        req.create_persistent_reservation_request.first = command->start;
        req.create_persistent_reservation_request.count = command->count;
    }
    else
    {
        req.__header.req = REQ_delete_persistent_reservation;
        req.delete_persistent_reservation_request.protocol = command->protocol;
        req.delete_persistent_reservation_request.first = command->start;
        req.delete_persistent_reservation_request.count = command->count;
    }
    if ((status = portclient_call( &req, &reply ))) return request_error( status, command );
    printf( "Ok.\n\n" );
    return 0;
}

int netsh_run( const struct netsh_command *command )
{
    if (command->error == NETSH_HELP)
    {
        print_help( command->verb );
        return 0;
    }
    if (command->error != NETSH_OK) return syntax_error( command );
    return command->verb == NETSH_SHOW ? show( command ) : change( command );
}
