/*
 * portres: what the tool wine-portres, and clients, have done inside a prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <fcntl.h>
#include <io.h>
#include <stdarg.h>
#include <string.h>

#include "portres.h"

int fail( const char *format, ... )
{
    va_list args;

    /* what was printed before comes first, also when both go to the same place */
    fflush( stdout );
    fprintf( stderr, "wine-portres: " );
    va_start( args, format );
    vfprintf( stderr, format, args );
    va_end( args );
    fprintf( stderr, "\n" );
    return EXIT_FAILED;
}

/* `wineboot --init` as the first program of a prefix starts a second service manager (Wine 8.0). Either may get a connection, each knows
 * only some of the services, and they get in each other's way when they start one. */
static BOOL has_two_managers(void)
{
    return count_processes( L"services.exe" ) > 1;
}

static int register_component( int restart, char **overrides, int count )
{
    DWORD error;

    if (has_two_managers()) return EXIT_MANAGERS;
    if ((error = redirect_pending_renames( overrides, count, 0 )))
        return fail( "could not change PendingFileRenameOperations in the registry: %s (%lu)", error_text( error ), error );
    if ((error = add_overrides( overrides, count )))
        return fail( "could not write the DLL overrides to the registry: %s (%lu)", error_text( error ), error );
    if ((error = install_service( restart )))
        return fail( "could not start the port reservation server: %s (%lu); "
                     "'wine C:\\\\windows\\\\system32\\\\portres\\\\portserver.exe --foreground --debug' shows why",
                     error_text( error ), error );

    list_running_programs( 0, "These programs run with Wine's own DLLs until they are started again:" );
    return EXIT_OK;
}

static int unregister_component( char **overrides, int count )
{
    DWORD error;

    if (has_two_managers()) return EXIT_MANAGERS;
    list_running_programs( 1, "These programs run with the DLLs of wine-portres until they end; their reservations end now:" );
    if ((error = remove_service()))
        return fail( "could not stop the port reservation server: %s (%lu); end the programs of this prefix and run "
                     "'wine-portres uninstall' again", error_text( error ), error );
    /* the mark of the journal, which goes as well; the reservations stay */
    error = RegDeleteTreeW( HKEY_LOCAL_MACHINE, L"Software\\wine-portres" );
    if (error && error != ERROR_FILE_NOT_FOUND)
        return fail( "could not remove HKLM\\Software\\wine-portres from the registry: %s (%lu); run 'wine-portres uninstall' again",
                     error_text( error ), error );
    if ((error = redirect_pending_renames( overrides, count, 1 )))
        return fail( "could not restore PendingFileRenameOperations in the registry: %s (%lu); run 'wine-portres uninstall' again",
                     error_text( error ), error );
    if ((error = restore_overrides()))
        return fail( "could not restore the DLL overrides in the registry: %s (%lu); run 'wine-portres uninstall' again",
                     error_text( error ), error );
    return EXIT_OK;
}

static int usage( FILE *to, int ret )
{
    fprintf( to, "Usage: portres register [--restart] [DLL]... | unregister [DLL]... | check [DLL]... | own FOLDER FILE... |\n"
                 "               start | host | status | list [--json | --watch]\n"
                 "\n"
                 "The part of the tool wine-portres that runs inside a prefix; use that tool instead.\n" );
    return ret;
}

int main( int argc, char *argv[] )
{
    /* the reader is a Unix tool */
    _setmode( _fileno( stdout ), _O_BINARY );
    _setmode( _fileno( stderr ), _O_BINARY );

    if (argc == 2 && !strcmp( argv[1], "--help" )) return usage( stdout, EXIT_OK );
    if (argc >= 3 && !strcmp( argv[1], "register" ) && !strcmp( argv[2], "--restart" ))
        return register_component( 1, argv + 3, argc - 3 );
    if (argc >= 2 && !strcmp( argv[1], "register" )) return register_component( 0, argv + 2, argc - 2 );
    if (argc >= 2 && !strcmp( argv[1], "unregister" )) return unregister_component( argv + 2, argc - 2 );
    if (argc >= 2 && !strcmp( argv[1], "check" )) return check_modules( argv + 2, argc - 2 );
    if (argc >= 4 && !strcmp( argv[1], "own" )) return write_own_modules( argv + 2, argc - 2 );
    if (argc == 2 && !strcmp( argv[1], "start" )) return start_service() ? EXIT_FAILED : EXIT_OK;  /* by a client; it has no console */
    if (argc == 2 && !strcmp( argv[1], "host" )) return show_host();
    if (argc == 2 && !strcmp( argv[1], "status" )) return show_status();
    if (argc == 2 && !strcmp( argv[1], "list" )) return list_reservations( 0 );
    if (argc == 3 && !strcmp( argv[1], "list" ) && !strcmp( argv[2], "--json" )) return list_reservations( 1 );
    if (argc == 3 && !strcmp( argv[1], "list" ) && !strcmp( argv[2], "--watch" )) return watch_reservations();
    return usage( stderr, EXIT_USAGE );
}
