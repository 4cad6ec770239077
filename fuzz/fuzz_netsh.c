/*
 * Fuzzing the parser and the shell of netsh
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"
#include "status.h"

/* The first byte says what the rest is: lines of a script, or the arguments of one of our three commands, each on a line. */

#define MAX_ARGS 24

static void check( int cond, const char *what )
{
    if (cond) return;
    fprintf( stderr, "fuzz_netsh: %s\n", what );
    abort();
}

/* arguments in memory of their own, so that reading past one is found */
static int split( const uint8_t *data, size_t size, char **argv, int argc )
{
    size_t start, end;

    for (start = 0; start < size && argc < MAX_ARGS; start = end + 1, argc++)
    {
        for (end = start; end < size && data[end] != '\n' && data[end]; end++) ;
        if (!(argv[argc] = malloc( end - start + 1 ))) abort();
        memcpy( argv[argc], data + start, end - start );
        argv[argc][end - start] = 0;
    }
    return argc;
}

static void check_command( const struct netsh_command *command, int argc, char *const *argv )
{
    int i;

    if (command->error == NETSH_OK)
    {
        check( command->protocol == PROTOCOL_TCP || command->protocol == PROTOCOL_UDP, "no protocol" );
        check( command->store == NETSH_STORE_DEFAULT || command->store == NETSH_STORE_ACTIVE ||
               command->store == NETSH_STORE_PERSISTENT, "no store" );
        check( command->start < 1000000000 && command->count < 1000000000, "a number of more than nine digits" );
    }
    if (command->error == NETSH_BAD_TAG || command->error == NETSH_BAD_VALUE)
    {
        for (i = 0; i < argc; i++)
            if (command->word.text >= argv[i] && command->word.text + command->word.len <= argv[i] + strlen( argv[i] )) break;
        check( i < argc, "a word that is in no argument" );
        check( command->error != NETSH_BAD_VALUE || command->tag, "no tag" );
    }
}

static void fuzz_command( const uint8_t *data, size_t size, enum netsh_verb verb )
{
    static const char *const prefixes[] = { "", "show\nexcludedportrange\n", "add\nexcludedportrange\n", "delete\nexcl\n" };
    struct netsh_command command;
    char *argv[MAX_ARGS + 1];
    int argc, i;

    argc = split( (const uint8_t *)prefixes[verb], strlen( prefixes[verb] ), argv, 0 );
    argc = split( data, size, argv, argc );
    argv[argc] = NULL;

    memset( &command, 0xcc, sizeof(command) );
    netsh_parse( argc, argv, &command );
    check( command.verb == verb, "another verb" );
    check_command( &command, argc, argv );
    for (i = 0; i < argc; i++) free( argv[i] );
}

static void fuzz_line( struct netsh_shell *shell, const char *text )
{
    char name[NETSH_MAX_CONTEXT_NAME];
    struct netsh_options options;
    struct netsh_line line;
    struct netsh_step step;
    size_t len;
    int i;

    if (!netsh_split( text, &line )) abort();
    for (i = 0; i < line.argc; i++)
    {
        check( line.raw[i] < line.raw[i + 1], "words are not in their order" );
        check( strlen( line.argv[i] ) <= (size_t)(line.raw[i + 1] - line.raw[i]), "a word is longer than its text" );
    }
    check( line.raw[line.argc] == text + strlen( text ), "the end is not the end" );
    netsh_parse_options( &line, &options );
    check( options.command <= line.argc, "options behind the end" );

    memset( &step, 0xcc, sizeof(step) );
    netsh_take_line( shell, &line, 0, &step );
    check( shell->depth <= NETSH_MAX_STACK, "more contexts than there is room for" );
    check( step.rest >= 0 && step.rest <= line.argc, "words behind the end" );
    len = netsh_context_name( shell->context, name, sizeof(name) );
    check( len == strlen( name ) && len + 1 < sizeof(name), "a long name" );
    len = netsh_context_name( step.context, name, sizeof(name) );
    check( len == strlen( name ) && len + 1 < sizeof(name), "a long name" );
    switch (step.action)
    {
    case NETSH_OURS:
        check( step.command.verb != NETSH_OTHER, "a command that is not ours" );
        check_command( &step.command, line.argc, line.argv );
        break;
    case NETSH_WINE:
        check( step.rest < line.argc, "nothing for Wine's netsh" );
        check( !netsh_names_range( line.argc - step.rest, line.argv + step.rest ), "a range is left to Wine's netsh" );
        break;
    case NETSH_SCRIPT:
        check( step.rest < line.argc, "a script without a name" );
        break;
    default:
        check( step.action >= NETSH_NONE && step.action <= NETSH_TOO_DEEP, "no action" );
        break;
    }
    netsh_free_line( &line );
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    struct netsh_shell shell = { 0 };
    char *lines[MAX_ARGS];
    int i, count;

    if (!size) return 0;
    if (data[0] % 4)
    {
        fuzz_command( data + 1, size - 1, data[0] % 4 );
        return 0;
    }
    count = split( data + 1, size - 1, lines, 0 );
    for (i = 0; i < count; i++)
    {
        fuzz_line( &shell, lines[i] );
        free( lines[i] );
    }
    return 0;
}
