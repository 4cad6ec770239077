/*
 * Which commands of netsh are ours, and what they say
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "parser.h"

#include <string.h>

#include "status.h"

enum tag
{
    TAG_PROTOCOL,
    TAG_STARTPORT,
    TAG_NUMBEROFPORTS,
    TAG_STORE,
    TAG_COUNT,
};

/* in the order in which values without a tag fill them */
static const char *const tag_names[TAG_COUNT] = { "protocol", "startport", "numberofports", "store" };

static const char excluded_port_range[] = "excludedportrange";

static struct netsh_word whole( const char *text )
{
    struct netsh_word ret = { text, strlen( text ) };

    return ret;
}

static char lower( char c )
{
    return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

static int begins_with( const char *text, const char *full, size_t len )
{
    size_t i;

    for (i = 0; i < len; i++) if (lower( text[i] ) != full[i]) return 0;
    return 1;
}

static int is_part( struct netsh_word word, const char *full, size_t min )
{
    return word.len >= min && word.len <= strlen( full ) && begins_with( word.text, full, word.len );
}

int netsh_is_word( const char *word, const char *full, size_t min )
{
    return is_part( whole( word ), full, min );
}

static int is_help( const char *arg )
{
    return !strcmp( arg, "?" ) || !strcmp( arg, "/?" ) || !strcmp( arg, "-?" ) || !strcmp( arg, "/h" ) || !strcmp( arg, "-h" ) ||
           netsh_is_word( arg, "help", 4 );
}

static int parse_number( struct netsh_word word, unsigned int *ret )
{
    unsigned int value = 0;
    size_t i;

    if (!word.len) return 0;
    for (i = 0; i < word.len; i++)
    {
        if (word.text[i] < '0' || word.text[i] > '9') return 0;
        if (value > 99999999) return 0;
        value = value * 10 + word.text[i] - '0';
    }
    *ret = value;
    return 1;
}

static int set_value( struct netsh_command *command, enum tag tag, struct netsh_word value )
{
    switch (tag)
    {
    case TAG_PROTOCOL:
        if (is_part( value, "tcp", 1 )) command->protocol = PROTOCOL_TCP;
        else if (is_part( value, "udp", 1 )) command->protocol = PROTOCOL_UDP;
        else return 0;
        return 1;
    case TAG_STARTPORT:
        return parse_number( value, &command->start );
    case TAG_NUMBEROFPORTS:
        return parse_number( value, &command->count );
    case TAG_STORE:
        if (is_part( value, "active", 1 )) command->store = NETSH_STORE_ACTIVE;
        else if (is_part( value, "persistent", 1 )) command->store = NETSH_STORE_PERSISTENT;
        else return 0;
        return 1;
    default:
        return 0;
    }
}

static int has_tag( enum netsh_verb verb, enum tag tag )
{
    return verb != NETSH_SHOW || (tag != TAG_STARTPORT && tag != TAG_NUMBEROFPORTS);
}

static int find_tag( enum netsh_verb verb, struct netsh_word word )
{
    int tag;

    /* "st" begins two of them; netsh takes the first one that fits */
    for (tag = 0; tag < TAG_COUNT; tag++) if (has_tag( verb, tag ) && is_part( word, tag_names[tag], 1 )) return tag;
    return -1;
}

/* Take the next parameter from the arguments: "tag=value", "tag= value", "tag =value", "tag = value", or a value alone. Returns
 * the number of arguments it is made of. */
static int next_parameter( int argc, char *const *argv, struct netsh_word *tag, struct netsh_word *value )
{
    const char *sign = strchr( argv[0], '=' );
    int used = 1;

    tag->text = NULL;
    tag->len = 0;
    if (!sign)
    {
        if (argc < 2 || argv[1][0] != '=')
        {
            *value = whole( argv[0] );
            return 1;
        }
        *tag = whole( argv[0] );
        sign = argv[1];
        used = 2;
    }
    else
    {
        tag->text = argv[0];
        tag->len = sign - argv[0];
    }
    *value = whole( sign + 1 );
    if (!value->len && used < argc && !strchr( argv[used], '=' )) *value = whole( argv[used++] );
    return used;
}

static void fail( struct netsh_command *command, enum netsh_error error, struct netsh_word word )
{
    command->error = error;
    command->word = word;
}

static void parse_parameters( int argc, char *const *argv, struct netsh_command *command )
{
    int seen[TAG_COUNT] = { 0 }, tag;

    while (argc)
    {
        struct netsh_word name, value;
        int used = next_parameter( argc, argv, &name, &value );

        if (name.text) tag = find_tag( command->verb, name );
        else
        {
            for (tag = 0; tag < TAG_COUNT; tag++) if (has_tag( command->verb, tag ) && !seen[tag]) break;
            if (tag == TAG_COUNT) tag = -1;
        }
        if (tag < 0 || seen[tag])
        {
            fail( command, NETSH_BAD_TAG, name.text ? name : value );
            return;
        }
        if (!set_value( command, tag, value ))
        {
            fail( command, NETSH_BAD_VALUE, value );
            command->tag = tag_names[tag];
            return;
        }
        seen[tag] = 1;
        argc -= used;
        argv += used;
    }
    for (tag = 0; tag < TAG_STORE; tag++)
        if (has_tag( command->verb, tag ) && !seen[tag]) command->error = NETSH_MISSING;
}

static enum netsh_verb find_verb( const char *word )
{
    if (netsh_is_word( word, "show", 2 )) return NETSH_SHOW;        /* or "set" */
    if (netsh_is_word( word, "add", 1 )) return NETSH_ADD;
    if (netsh_is_word( word, "delete", 2 )) return NETSH_DELETE;    /* or "dump" */
    return NETSH_OTHER;
}

void netsh_parse( int argc, char *const *argv, struct netsh_command *command )
{
    int i;

    memset( command, 0, sizeof(*command) );
    if (argc < 2 || !netsh_is_word( argv[1], excluded_port_range, 1 )) return;
    if ((command->verb = find_verb( argv[0] )) == NETSH_OTHER) return;

    for (i = 2; i < argc; i++) if (is_help( argv[i] )) command->error = NETSH_HELP;
    if (command->error != NETSH_HELP) parse_parameters( argc - 2, argv + 2, command );
}

int netsh_names_range( int argc, char *const *argv )
{
    size_t len = strlen( excluded_port_range );
    const char *p;
    int i;

    for (i = 0; i < argc; i++)
    {
        if (netsh_is_word( argv[i], excluded_port_range, 4 )) return 1;
        /* misspelt, or a whole command in quotes; but what is meant by "name=excludedportrange" is something else */
        for (p = argv[i]; *p && *p != '='; p++) if (begins_with( p, excluded_port_range, len )) return 1;
    }
    return 0;
}
