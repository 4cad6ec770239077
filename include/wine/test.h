/*
 * Test framework, in the manner of Wine's
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/*
 * A test program is a plain Windows executable made of several test files and one list of them:
 *
 *   acquire.c                            testlist.c
 *     #include "wine/test.h"               #define TESTS TEST(acquire) TEST(bind)
 *     START_TEST(acquire)                  #include "wine/test.h"
 *     {
 *         ok( 1 + 1 == 2, "got %d\n", 1 + 1 );
 *     }
 *
 * TEST_CHILD(name) in the list is for what only runs as a child, as "NAME.exe -name".
 *
 *   NAME.exe                  runs every test, each in a process of its own
 *   NAME.exe --list           lists them
 *   NAME.exe acquire          runs one
 *   NAME.exe acquire ARG...   what the test itself starts with winetest_start_child( "acquire ARG..." )
 *
 * Each test ends with the line "acquire: 12 tests executed (0 marked as todo, 0 failures), 0 skipped.", also after a
 * crash or when the time limit passed. The exit code is the number of failures, 255 at most. Children started with
 * winetest_start_child() count in the test that started them and print no line of their own.
 *
 * Environment:
 *   WINETEST_DEBUG     0: failures and summaries only; 1 (default): also traces and skips; 2: also each success
 *   WINETEST_COMPLETE  1: nothing may be missing here, so a win_skip() counts as a failure
 *   WINETEST_PLATFORM  windows: accept what Windows may answer, also on Wine
 *   WINETEST_TIMEOUT   seconds that a test may run without any check, 120 by default; in all it may take ten times as long, so
 *                      that a loaded machine is no failure, and a loop without end is one
 */

#ifndef PORTRES_WINE_TEST_H
#define PORTRES_WINE_TEST_H

#include <stdarg.h>
#include <stdio.h>
#include <windef.h>
#include <winbase.h>

#ifdef __MINGW_PRINTF_FORMAT
# define WINETEST_PRINTF( fmt, args ) __attribute__((format( __MINGW_PRINTF_FORMAT, fmt, args )))
#else
# define WINETEST_PRINTF( fmt, args )
#endif

#ifndef ARRAY_SIZE
# define ARRAY_SIZE( array ) (sizeof(array) / sizeof((array)[0]))
#endif

/* Define the test that "NAME.exe name" runs. */
#define START_TEST(name) extern void func_##name(void); void func_##name(void)

/* Check a condition; the message tells what was found instead, and is made after the condition: it may hold the error that this
 * has left. Keeps the last error. Returns the condition, in a way that analysers understand. */
#define ok( cond, ... ) ok_( __FILE__, __LINE__, cond, __VA_ARGS__ )

/* The same on behalf of another line, for helpers that check for their caller. */
#define ok_( file, line, cond, ... ) ({ int ok__ = !!(cond); winetest_ok( file, line, ok__, __VA_ARGS__ ); ok__; })

/* Say something that is no failure. */
#define trace( ... ) winetest_trace( __FILE__, __LINE__, __VA_ARGS__ )

/* Say that tests were left out because this machine, user or run does not allow them. */
#define skip( ... ) winetest_skip( __FILE__, __LINE__, 0, __VA_ARGS__ )

/* Say that tests were left out because the system lacks what they test. A failure with WINETEST_COMPLETE=1. */
#define win_skip( ... ) winetest_skip( __FILE__, __LINE__, 1, __VA_ARGS__ )

/* The ok() in the statement that follows is known to fail, always or under Wine. One that succeeds then is a failure. */
#define todo_if( cond )      for (int todo__ = winetest_todo_start( cond ); todo__; todo__ = winetest_todo_end())
#define todo_wine_if( cond ) todo_if( winetest_is_wine() && (cond) )
#define todo_wine            todo_if( winetest_is_wine() )

/* An answer that Windows may give, but that must not come from Wine. Where it is given, the ok() around it prints its message, so that
 * one sees what Windows does; tools/windows-results reads that. */
#define broken( cond ) (!winetest_is_wine() && winetest_broken( !!(cond) ))

extern void winetest_ok( const char *file, int line, int cond, const char *fmt, ... ) WINETEST_PRINTF( 4, 5 );
extern void winetest_trace( const char *file, int line, const char *fmt, ... ) WINETEST_PRINTF( 3, 4 );
extern void winetest_skip( const char *file, int line, int win, const char *fmt, ... ) WINETEST_PRINTF( 4, 5 );
extern int winetest_todo_start( int is_todo );
extern int winetest_todo_end(void);
extern int winetest_is_wine(void);
extern int winetest_broken( int cond );

/* Number of failures so far, children included. */
extern LONG winetest_failures(void);

/* The arguments of this process: argv[1] is the name of the test, a child's own arguments start at argv[2]. */
extern int winetest_get_mainargs( char ***argv );

/* what stands before the name of a test that only runs as a child */
#define WINETEST_CHILD_PREFIX ""

/* Start this executable again with the given arguments, the first of which is the name of a test. The child's ok()s count
 * in this test. It inherits the inheritable handles of this process when inherit is set, else only the standard ones. Returns its
 * process handle, NULL (and a failure) when it could not be started. */
extern HANDLE winetest_start_child( BOOL inherit, DWORD *pid, const char *args, ... ) WINETEST_PRINTF( 3, 4 );

/* Wait until a child ends, and close its handle. A failure when nobody in this test checks anything for so many milliseconds (the child is
 * then terminated), or when it ends with another code than 0. */
#define winetest_wait_child( process, timeout ) winetest_wait_child_( __FILE__, __LINE__, process, timeout )
extern void winetest_wait_child_( const char *file, int line, HANDLE process, DWORD timeout );

#ifdef TESTS

#include <stdlib.h>
#include <string.h>

struct test
{
    const char *name;   /* a leading '-' keeps it out of the list, for what only runs as a child */
    void (*func)(void);
};

/* the list is read twice: for the prototypes, and for the table */
#define TEST(name)       extern void func_##name(void);
#define TEST_CHILD(name) extern void func_##name(void);
TESTS
#undef TEST
#undef TEST_CHILD

static const struct test winetest_list[] =
{
#define TEST(name)       { #name, func_##name },
#define TEST_CHILD(name) { "-" #name, func_##name },
    TESTS
#undef TEST
#undef TEST_CHILD
    { NULL, NULL }
};

struct winetest_counters
{
    volatile LONG executed;
    volatile LONG failures;
    volatile LONG todos;
    volatile LONG skipped;
};

static struct winetest_counters winetest_own, *winetest_count = &winetest_own;
static const char *winetest_name = "";
static int winetest_is_child, winetest_debug = 1, winetest_complete;
static volatile LONG winetest_done;
static DWORD winetest_tls, winetest_broken_tls, winetest_timeout = 120000;
static int winetest_argc;
static char **winetest_argv;
static const char *winetest_file = "";
static volatile LONG winetest_line;

/* One write a line, straight to the file: lines of several processes don't mix, and none is lost in a crash. */
static void winetest_write( const char *file, int line, const char *what, const char *fmt, va_list args )
{
    char buffer[2048];
    DWORD written;
    size_t len = 0;
    int ret;

    if (file)
    {
        const char *slash = strrchr( file, '/' ), *backslash = strrchr( file, '\\' );

        if (slash) file = slash + 1;
        else if (backslash) file = backslash + 1;
        len = snprintf( buffer, 256, "%s:%d: %s", file, line, what );
    }
    ret = vsnprintf( buffer + len, sizeof(buffer) - len - 1, fmt, args );
    if (ret < 0 || len + ret > sizeof(buffer) - 2) len = sizeof(buffer) - 2;
    else len += ret;
    if (!len || buffer[len - 1] != '\n') buffer[len++] = '\n';
    WriteFile( GetStdHandle( STD_OUTPUT_HANDLE ), buffer, len, &written, NULL );
}

static void winetest_print( const char *fmt, ... )
{
    va_list args;

    va_start( args, fmt );
    winetest_write( NULL, 0, "", fmt, args );
    va_end( args );
}

int winetest_is_wine(void)
{
    static int is_wine = -1;
    DWORD err = GetLastError();
    char value[16];

    if (is_wine == -1)
    {
        is_wine = !!GetProcAddress( GetModuleHandleA( "ntdll.dll" ), "wine_get_version" );
        if (GetEnvironmentVariableA( "WINETEST_PLATFORM", value, sizeof(value) ) && !strcmp( value, "windows" )) is_wine = 0;
    }
    SetLastError( err );
    return is_wine;
}

int winetest_broken( int cond )
{
    DWORD err = GetLastError();

    if (cond) TlsSetValue( winetest_broken_tls, (void *)1 );
    SetLastError( err );
    return cond;
}

/* A loop may give the same answer a thousand times: a process says it so often of a line */
#define WINETEST_ANSWERS 8

static int winetest_answer_is_new( int line )
{
    static volatile LONG counts[4096];

    return InterlockedIncrement( &counts[line % ARRAY_SIZE( counts )] ) <= WINETEST_ANSWERS;
}

LONG winetest_failures(void)
{
    return winetest_count->failures;
}

/* what a test may take in all */
static DWORD winetest_total(void)
{
    return winetest_timeout < 100000000 ? winetest_timeout * 10 : INFINITE;
}

int winetest_todo_start( int is_todo )
{
    DWORD err = GetLastError();

    /* bit 0: a loop is open; each level takes another bit, so that they nest */
    TlsSetValue( winetest_tls, (void *)(((ULONG_PTR)TlsGetValue( winetest_tls ) << 1) | !!is_todo) );
    SetLastError( err );
    return 1;
}

int winetest_todo_end(void)
{
    DWORD err = GetLastError();

    TlsSetValue( winetest_tls, (void *)((ULONG_PTR)TlsGetValue( winetest_tls ) >> 1) );
    SetLastError( err );
    return 0;
}

void winetest_ok( const char *file, int line, int cond, const char *fmt, ... )
{
    DWORD err = GetLastError();
    int todo = !!TlsGetValue( winetest_tls ), another = !!TlsGetValue( winetest_broken_tls );
    va_list args;

    winetest_file = file;
    winetest_line = line;
    if (another) TlsSetValue( winetest_broken_tls, NULL );
    va_start( args, fmt );
    InterlockedIncrement( &winetest_count->executed );
    if (todo && !cond)
    {
        InterlockedIncrement( &winetest_count->todos );
        if (winetest_debug) winetest_write( file, line, "Test marked todo: ", fmt, args );
    }
    else if (todo)
    {
        InterlockedIncrement( &winetest_count->failures );
        winetest_write( file, line, "Test succeeded inside todo block: ", fmt, args );
    }
    else if (!cond)
    {
        InterlockedIncrement( &winetest_count->failures );
        winetest_write( file, line, "Test failed: ", fmt, args );
    }
    else if (another && winetest_debug && winetest_answer_is_new( line )) winetest_write( file, line, "Another answer: ", fmt, args );
    else if (winetest_debug > 1) winetest_write( file, line, "Test succeeded: ", fmt, args );
    va_end( args );
    SetLastError( err );
}

void winetest_trace( const char *file, int line, const char *fmt, ... )
{
    DWORD err = GetLastError();
    va_list args;

    if (!winetest_debug) return;
    va_start( args, fmt );
    winetest_write( file, line, "", fmt, args );
    va_end( args );
    SetLastError( err );
}

void winetest_skip( const char *file, int line, int win, const char *fmt, ... )
{
    DWORD err = GetLastError();
    va_list args;

    va_start( args, fmt );
    if (win && winetest_complete)
    {
        InterlockedIncrement( &winetest_count->executed );
        InterlockedIncrement( &winetest_count->failures );
        winetest_write( file, line, "Test failed: Missing here: ", fmt, args );
    }
    else
    {
        InterlockedIncrement( &winetest_count->skipped );
        if (winetest_debug) winetest_write( file, line, "Tests skipped: ", fmt, args );
    }
    va_end( args );
    SetLastError( err );
}

int winetest_get_mainargs( char ***argv )
{
    *argv = winetest_argv;
    return winetest_argc;
}

static HANDLE winetest_start( BOOL inherit, DWORD *pid, const char *args )
{
    char path[MAX_PATH], *cmd;
    PROCESS_INFORMATION info;
    STARTUPINFOA startup;
    BOOL ret;

    GetModuleFileNameA( NULL, path, sizeof(path) );
    if (!(cmd = malloc( strlen( path ) + strlen( args ) + 4 ))) return NULL;
    sprintf( cmd, "\"%s\" %s", path, args );
    memset( &startup, 0, sizeof(startup) );
    startup.cb = sizeof(startup);
    ret = CreateProcessA( path, cmd, NULL, NULL, inherit, 0, NULL, NULL, &startup, &info );
    free( cmd );
    if (!ret) return NULL;
    CloseHandle( info.hThread );
    if (pid) *pid = info.dwProcessId;
    return info.hProcess;
}

HANDLE winetest_start_child( BOOL inherit, DWORD *pid, const char *fmt, ... )
{
    char buffer[1024];
    va_list args;
    HANDLE ret;

    va_start( args, fmt );
    vsnprintf( buffer, sizeof(buffer), fmt, args );
    va_end( args );
    ret = winetest_start( inherit, pid, buffer );
    ok( ret != NULL, "could not start \"%s\", error %lu\n", buffer, GetLastError() );
    return ret;
}

/* Wait until the process ends, for as long as this test and its children go on to check something. */
static BOOL winetest_wait( HANDLE process, DWORD timeout )
{
    LONG executed;

    do
    {
        executed = winetest_count->executed;
        if (WaitForSingleObject( process, timeout ) == WAIT_OBJECT_0) return TRUE;
    } while (winetest_count->executed != executed);
    return FALSE;
}

void winetest_wait_child_( const char *file, int line, HANDLE process, DWORD timeout )
{
    DWORD code = ~0u;

    if (!process) return;
    if (winetest_wait( process, timeout ))
    {
        GetExitCodeProcess( process, &code );
        ok_( file, line, !code, "child ended with code %#lx\n", code );
    }
    else
    {
        ok_( file, line, 0, "child still runs, and nothing was checked for %lu ms\n", timeout );
        TerminateProcess( process, 1 );
        WaitForSingleObject( process, 5000 );
    }
    CloseHandle( process );
}

/* Say what was counted, once, whoever comes first of the end, a crash and the time limit. */
static void winetest_summary(void)
{
    if (InterlockedExchange( &winetest_done, 1 )) Sleep( INFINITE );
    if (winetest_is_child) return;
    winetest_print( "%s: %ld tests executed (%ld marked as todo, %ld failures), %ld skipped.\n", winetest_name,
                    winetest_count->executed, winetest_count->todos, winetest_count->failures, winetest_count->skipped );
}

static DWORD WINAPI winetest_watchdog( void *arg )
{
    DWORD start = GetTickCount(), now = start, last = start;
    LONG executed = 0;

    (void)arg;
    while (now - last < winetest_timeout && now - start < winetest_total())
    {
        Sleep( winetest_timeout / 8 );
        now = GetTickCount();
        if (winetest_count->executed == executed) continue;
        executed = winetest_count->executed;
        last = now;
    }
    winetest_ok( winetest_file, winetest_line, 0, "%s runs for %lu s and has checked nothing for %lu, the last check was this one\n",
                 winetest_name, (now - start) / 1000, (now - last) / 1000 );
    winetest_summary();
    TerminateProcess( GetCurrentProcess(), 255 );
    return 0;
}

static LONG WINAPI winetest_crash( EXCEPTION_POINTERS *ptrs )
{
    winetest_ok( winetest_file, winetest_line, 0, "%s crashed: exception %08lx at %p, the last check was this one\n",
                 winetest_name, ptrs->ExceptionRecord->ExceptionCode, ptrs->ExceptionRecord->ExceptionAddress );
    winetest_summary();
    TerminateProcess( GetCurrentProcess(), 255 );
    return EXCEPTION_EXECUTE_HANDLER;
}

/* Find the counters of the test that started this process, or make some that children will find. */
static void winetest_share_counters(void)
{
    struct winetest_counters *shared;
    char name[64];
    HANDLE section;

    if (GetEnvironmentVariableA( "WINETEST_COUNTERS", name, sizeof(name) ))
    {
        section = OpenFileMappingA( FILE_MAP_WRITE, FALSE, name );
        winetest_is_child = !!section;
    }
    else
    {
        sprintf( name, "winetest-counters-%lx", GetCurrentProcessId() );
        section = CreateFileMappingA( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*shared), name );
        SetEnvironmentVariableA( "WINETEST_COUNTERS", name );
    }
    if (section && (shared = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, sizeof(*shared) ))) winetest_count = shared;
}

static int winetest_run( const struct test *test )
{
    LONG failures;

    winetest_name = test->name;
    winetest_file = test->name;
    winetest_share_counters();
    SetErrorMode( SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX );
    SetUnhandledExceptionFilter( winetest_crash );
    CloseHandle( CreateThread( NULL, 0, winetest_watchdog, NULL, 0, NULL ));
    test->func();
    winetest_summary();
    /* failures of a child are in the counters already: its own code only says that it got to the end */
    if (winetest_is_child) return 0;
    failures = winetest_count->failures;
    return failures > 255 ? 255 : failures;
}

/* Each test in a process of its own, so that what one of them leaves behind, or its crash, is no matter for the next. */
static int winetest_run_all(void)
{
    const struct test *test;
    LONG failures = 0;
    DWORD code;
    HANDLE process;

    for (test = winetest_list; test->name; test++)
    {
        if (test->name[0] == '-') continue;
        if (!(process = winetest_start( FALSE, NULL, test->name )))
        {
            winetest_print( "%s: 1 tests executed (0 marked as todo, 1 failures), 0 skipped.\n", test->name );
            failures++;
            continue;
        }
        /* the test has a time limit of its own; this one is for a process that can't even keep that */
        if (WaitForSingleObject( process, winetest_total() + winetest_timeout ) != WAIT_OBJECT_0)
        {
            winetest_print( "%s: Test failed: still runs after its time limit\n", test->name );
            winetest_print( "%s: 1 tests executed (0 marked as todo, 1 failures), 0 skipped.\n", test->name );
            TerminateProcess( process, 255 );
        }
        GetExitCodeProcess( process, &code );
        if (code == STILL_ACTIVE) code = 1;
        failures += code > 255 ? 255 : code;
        CloseHandle( process );
    }
    return failures > 255 ? 255 : failures;
}

int main( int argc, char **argv )
{
    const struct test *test;
    char value[16];

    winetest_argc = argc;
    winetest_argv = argv;
    winetest_tls = TlsAlloc();
    winetest_broken_tls = TlsAlloc();
    if (GetEnvironmentVariableA( "WINETEST_DEBUG", value, sizeof(value) )) winetest_debug = atoi( value );
    if (GetEnvironmentVariableA( "WINETEST_COMPLETE", value, sizeof(value) )) winetest_complete = atoi( value );
    if (GetEnvironmentVariableA( "WINETEST_TIMEOUT", value, sizeof(value) ) && atoi( value ) > 0)
        winetest_timeout = atoi( value ) * 1000;

    if (argc < 2) return winetest_run_all();
    if (!strcmp( argv[1], "--list" ))
    {
        for (test = winetest_list; test->name; test++) if (test->name[0] != '-') winetest_print( "%s\n", test->name );
        return 0;
    }
    for (test = winetest_list; test->name; test++) if (!strcmp( test->name, argv[1] )) return winetest_run( test );
    winetest_print( "No test \"%s\" in this program; --list tells which there are.\n", argv[1] );
    return 255;
}

#endif /* TESTS */

#endif /* PORTRES_WINE_TEST_H */
