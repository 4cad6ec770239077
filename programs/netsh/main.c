/*
 * netsh: port exclusions; everything else is done by Wine's own netsh
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "command.h"
#include "reader.h"
#include "shell.h"
#include "wine_netsh.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* A command line that is one command, not ours, is given to Wine's netsh as it is. From scripts and from the prompt Wine's netsh gets one
 * command a process, with its context before it: so they are done in their order, ours among them. */

#define MAX_SCRIPTS 32  /* scripts that run scripts */

static struct netsh_shell shell;
static unsigned int scripts;
static int done;

static WCHAR *to_wide( const char *text )
{
    int len = MultiByteToWideChar( CP_UTF8, 0, text, -1, NULL, 0 );
    WCHAR *ret = malloc( len * sizeof(WCHAR) );

    if (ret) MultiByteToWideChar( CP_UTF8, 0, text, -1, ret, len );
    else fprintf( stderr, "netsh: out of memory\n" );
    return ret;
}

static char *to_utf8( const WCHAR *text )
{
    int len = WideCharToMultiByte( CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL );
    char *ret = malloc( len );

    if (ret) WideCharToMultiByte( CP_UTF8, 0, text, -1, ret, len, NULL, NULL );
    else fprintf( stderr, "netsh: out of memory\n" );
    return ret;
}

/* the text of a line from one of its words on, without the end of the line */
static int text_length( const struct netsh_line *line, int index )
{
    const char *end = line->raw[line->argc];

    while (end > line->raw[index] && strchr( " \t\r\n", end[-1] )) end--;
    return end - line->raw[index];
}

static int unknown_command( const struct netsh_line *line, int index )
{
    printf( "The following command was not found: %.*s.\n", text_length( line, index ), line->raw[index] );
    return 1;
}

static int run_in_context( const struct netsh_line *line, const struct netsh_step *step )
{
    char context[NETSH_MAX_CONTEXT_NAME], *text;
    size_t size = strlen( line->raw[step->rest] ) + sizeof(context) + sizeof(shell.machine) + 16;
    WCHAR *tail;
    int ret = 1;

    netsh_context_name( step->context, context, sizeof(context) );
    if (!(text = malloc( size ))) return 1;
    snprintf( text, size, "%s%s%s%s%s%.*s", shell.machine[0] ? "-r " : "", shell.machine, shell.machine[0] ? " " : "", context,
              context[0] ? " " : "", text_length( line, step->rest ), line->raw[step->rest] );
    if ((tail = to_wide( text ))) ret = run_wine_netsh( tail, 1 );
    free( tail );
    free( text );
    return ret;
}

static int is_this_machine( const char *name )
{
    char own[256];
    DWORD size = sizeof(own);

    if (!name[0] || !strcmp( name, "." ) || !_stricmp( name, "localhost" ) || !strcmp( name, "127.0.0.1" )) return 1;
    while (*name == '\\') name++;
    return GetComputerNameExA( ComputerNameDnsHostname, own, &size ) && !_stricmp( name, own );
}

static int run_script( const char *name );

/* Do what a line says. Returns an exit code, also of a line that is nothing to Wine's netsh. */
static int run_step( const struct netsh_line *line, int index, const struct netsh_step *step )
{
    switch (step->action)
    {
    case NETSH_OURS:
        if (is_this_machine( shell.machine )) return netsh_run( &step->command );
        fprintf( stderr, "netsh: the port exclusions of another machine (%s) can't be had from Wine\n", shell.machine );
        return 1;
    case NETSH_WINE:
        return run_in_context( line, step );
    case NETSH_SCRIPT:
        return run_script( line->argv[step->rest] );
    case NETSH_UNKNOWN:
        return unknown_command( line, index );
    case NETSH_TOO_DEEP:
        fprintf( stderr, "netsh: pushd was given more than %d times\n", NETSH_MAX_STACK );
        return 1;
    case NETSH_QUIT:
        done = 1;
        break;
    case NETSH_NONE:
        break;
    }
    return 0;
}

static int run_line( const char *text )
{
    struct netsh_line line;
    struct netsh_step step;
    int ret;

    if (!netsh_split( text, &line ))
    {
        fprintf( stderr, "netsh: out of memory\n" );
        return 1;
    }
    netsh_take_line( &shell, &line, 0, &step );
    ret = run_step( &line, 0, &step );
    netsh_free_line( &line );
    return ret;
}

static void print_prompt(void)
{
    char context[NETSH_MAX_CONTEXT_NAME];

    netsh_context_name( shell.context, context, sizeof(context) );
    if (shell.machine[0]) printf( "[%s] ", shell.machine );
    printf( "netsh%s%s>", context[0] ? " " : "", context );
    fflush( stdout );
}

/* Run commands to the end, also after one that failed, as netsh does. Returns 1 when one has failed. */
static int run_lines( FILE *file, int prompt )
{
    struct netsh_reader reader = { .file = file };
    int ret = 0;
    char *text;

    while (!done)
    {
        if (prompt) print_prompt();
        if (!(text = netsh_read_line( &reader ))) break;
        if (run_line( text )) ret = 1;
        free( text );
    }
    return ret;
}

static int run_script( const char *name )
{
    WCHAR *path;
    FILE *file;
    int ret;

    if (scripts == MAX_SCRIPTS)
    {
        fprintf( stderr, "netsh: %s is not run: %d scripts run each other already\n", name, MAX_SCRIPTS );
        return 1;
    }
    if (!(path = to_wide( name ))) return 1;
    file = _wfopen( path, L"rb" );
    free( path );
    if (!file)
    {
        fprintf( stderr, "netsh: cannot read the script %s: %s\n", name, strerror( errno ));
        return 1;
    }
    scripts++;
    ret = run_lines( file, 0 );
    scripts--;
    fclose( file );
    return ret;
}

static int enter_context( const char *text )
{
    struct netsh_line line;
    struct netsh_step step;
    int ret = 0;

    if (!netsh_split( text, &line )) return 0;
    netsh_take_line( &shell, &line, 0, &step );
    ret = step.action == NETSH_NONE;
    netsh_free_line( &line );
    return ret;
}

/* the command line behind the program's name */
static const WCHAR *skip_program_name( const WCHAR *line )
{
    int quoted = 0;

    for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++) if (*line == '"') quoted = !quoted;
    return line;
}

static int run_command_line( const WCHAR *tail, const struct netsh_line *line, const struct netsh_options *options )
{
    const char *name = options->context;
    struct netsh_step step;
    int failed = 0, is_command = options->command < line->argc;

    if (options->help) return run_wine_netsh( tail, 0 );
    if (options->script && is_command)
    {
        fprintf( stderr, "netsh: after -f FILE there is no place for a command\n" );
        return 1;
    }
    if (options->machine) snprintf( shell.machine, sizeof(shell.machine), "%s", options->machine );
    if (options->alias) failed = run_script( options->alias );
    if (done) return failed;
    if (name && !enter_context( name ))
    {
        /* Wine's netsh may know it, but what for would it be told of a script or a range? */
        if (is_command && !netsh_is_word( line->argv[options->command], "exec", 2 ) && !netsh_names_range( line->argc, line->argv ))
            return run_wine_netsh( tail, 0 );
        printf( "The following command was not found: %s.\n", name );
        return 1;
    }
    if (options->script) return run_script( options->script ) || failed;
    if (!is_command)
    {
        _setmode( _fileno( stdin ), _O_BINARY );
        return run_lines( stdin, 1 ) || failed;
    }
    netsh_take_line( &shell, line, options->command, &step );
    switch (step.action)
    {
    case NETSH_NONE:
    case NETSH_WINE:
        if (options->alias) return run_in_context( line, &step ) || failed;
        return run_wine_netsh( tail, 0 );
    default:
        return run_step( line, options->command, &step ) || failed;
    }
}

int main(void)
{
    const WCHAR *tail = skip_program_name( GetCommandLineW() );
    struct netsh_options options;
    struct netsh_line line;
    char *text = to_utf8( tail );
    int ret = 1;

    if (text && netsh_split( text, &line ))
    {
        netsh_parse_options( &line, &options );
        ret = run_command_line( tail, &line, &options );
        netsh_free_line( &line );
    }
    free( text );
    return ret;
}
