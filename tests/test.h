/*
 * What the native tests count with
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_TEST_H
#define PORTRES_TESTS_TEST_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A test program includes this once, checks with ok(), and ends main() with "return test_summary( "name" );" */

static int test_count, test_failures, test_skips;

/* Count one check. On failure say where, and the message, which should hold the values that were got; it is made after the
 * condition. Returns the condition, in a way that analysers understand. */
#define ok( cond, ... ) ({ int ok__ = !!(cond); test_ok( ok__, __FILE__, __LINE__, __VA_ARGS__ ); ok__; })

/* Say that something can't be checked here, and why. */
#define skip( ... ) test_skip( __FILE__, __LINE__, __VA_ARGS__ )

#ifdef __GNUC__
static void test_ok( int cond, const char *file, int line, const char *format, ... ) __attribute__((format (printf, 4, 5), unused));
static void test_skip( const char *file, int line, const char *format, ... ) __attribute__((format (printf, 3, 4), unused));
#endif

static void test_ok( int cond, const char *file, int line, const char *format, ... )
{
    va_list args;

    test_count++;
    if (cond) return;
    test_failures++;
    printf( "%s:%d: Test failed: ", file, line );
    va_start( args, format );
    vprintf( format, args );
    va_end( args );
    if (*format && format[strlen( format ) - 1] != '\n') putchar( '\n' );
    fflush( stdout );
}

static void test_skip( const char *file, int line, const char *format, ... )
{
    va_list args;

    test_skips++;
    printf( "%s:%d: Tests skipped: ", file, line );
    va_start( args, format );
    vprintf( format, args );
    va_end( args );
    if (*format && format[strlen( format ) - 1] != '\n') putchar( '\n' );
    fflush( stdout );
}

/* Print the last line; what it returns is the program's exit code. */
static int test_summary( const char *name )
{
    printf( "%s: %d tests, %d failures", name, test_count, test_failures );
    if (test_skips) printf( ", %d skipped", test_skips );
    putchar( '\n' );
    return test_failures ? 1 : 0;
}

#endif /* PORTRES_TESTS_TEST_H */
