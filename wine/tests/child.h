/*
 * What tests of port reservations run as children
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* to be included once in a program, after the list of its children */

#include <stdio.h>
#include <stdlib.h>

#define CHILD( name ) extern void func_##name( void );
CHILDREN
#undef CHILD

static const struct
{
    const char *name;
    void      (*func)(void);
}
children[] =
{
#define CHILD( name ) { "-" #name, func_##name },
    CHILDREN
#undef CHILD
};

static int first_arg;

#undef winetest_get_mainargs

int get_test_args( char ***argv )
{
    int argc = winetest_get_mainargs( argv );

    *argv += first_arg;
    return argc - first_arg;
}

HANDLE winetest_start_child( BOOL inherit, DWORD *pid, const char *args, ... )
{
    STARTUPINFOA startup = { sizeof(startup) };
    PROCESS_INFORMATION info;
    char **argv, cmd[1024];
    va_list list;
    BOOL ret;
    int len;

    winetest_get_mainargs( &argv );
    len = sprintf( cmd, "\"%.500s\" %s", argv[0], *args == '-' ? WINETEST_CHILD_PREFIX : "" );
    va_start( list, args );
    vsnprintf( cmd + len, sizeof(cmd) - len, args, list );
    va_end( list );
    ret = CreateProcessA( NULL, cmd, NULL, NULL, inherit, 0, NULL, NULL, &startup, &info );
    ok( ret, "could not start %s, error %lu\n", cmd, GetLastError() );
    if (!ret) return NULL;
    CloseHandle( info.hThread );
    if (pid) *pid = info.dwProcessId;
    return info.hProcess;
}

void winetest_wait_child_( const char *file, int line, HANDLE process, DWORD timeout )
{
    DWORD ret, code = 0;

    if (!process) return;
    ret = WaitForSingleObject( process, timeout );
    ok_( file, line, !ret, "the child runs still after %lu ms\n", timeout );
    if (ret) TerminateProcess( process, 1 );
    else GetExitCodeProcess( process, &code );
    ok_( file, line, !code, "the child ended with %lu\n", code );
    CloseHandle( process );
}

START_TEST(ports)
{
    char **argv;
    int i, argc = winetest_get_mainargs( &argv );

    for (i = 0; i < ARRAY_SIZE(children); i++)
    {
        if (argc < 3 || strcmp( argv[2], children[i].name )) continue;
        first_arg = 1;
        children[i].func();
        return;
    }
    ok( argc < 3, "there is no child %s\n", argc < 3 ? "" : argv[2] );
}
