/*
 * Fuzzing the parser of netsh
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

#include "parser.h"
#include "status.h"

/* The input is a command line; a line feed ends an argument. The first byte says whether the four words that make it a command of
 * ours are put before it. */

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

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    static const char *const prefixes[] =
    {
        "", "interface\nipv4\nshow\nexcludedportrange\n", "int\nipv6\nadd\nexcludedportrange\n", "i\nip\ndelete\nexcl\n"
    };
    const char *prefix;
    char *argv[MAX_ARGS + 1];
    struct netsh_command command;
    int argc, i;

    if (!size) return 0;
    prefix = prefixes[data[0] % 4];
    argc = split( (const uint8_t *)prefix, strlen( prefix ), argv, 0 );
    argc = split( data + 1, size - 1, argv, argc );
    argv[argc] = NULL;

    memset( &command, 0xcc, sizeof(command) );
    netsh_parse( argc, argv, &command );
    check( command.verb == NETSH_OTHER || command.verb == NETSH_SHOW || command.verb == NETSH_ADD || command.verb == NETSH_DELETE,
           "no verb" );
    if (*prefix) check( (unsigned int)command.verb == data[0] % 4u, "another verb" );
    if (command.verb != NETSH_OTHER && command.error == NETSH_OK)
    {
        check( command.protocol == PROTOCOL_TCP || command.protocol == PROTOCOL_UDP, "no protocol" );
        check( command.store == NETSH_STORE_DEFAULT || command.store == NETSH_STORE_ACTIVE || command.store == NETSH_STORE_PERSISTENT,
               "no store" );
        check( command.start < 1000000000 && command.count < 1000000000, "a number of more than nine digits" );
    }
    if (command.error == NETSH_BAD_TAG || command.error == NETSH_BAD_VALUE)
    {
        for (i = 0; i < argc; i++)
            if (command.word.text >= argv[i] && command.word.text + command.word.len <= argv[i] + strlen( argv[i] )) break;
        check( i < argc, "a word that is in no argument" );
        check( command.error != NETSH_BAD_VALUE || command.tag, "no tag" );
    }
    for (i = 0; i < argc; i++) free( argv[i] );
    return 0;
}
