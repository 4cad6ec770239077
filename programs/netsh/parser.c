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

static char lower( char c )
{
    return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

/* netsh takes the beginning of a word for the word. At least min letters are needed where another word begins alike. */
static int is_word( struct netsh_word word, const char *full, size_t min )
{
    size_t i;

    if (word.len < min || word.len > strlen( full )) return 0;
    for (i = 0; i < word.len; i++) if (lower( word.text[i] ) != full[i]) return 0;
    return 1;
}

static struct netsh_word whole( const char *text )
{
    struct netsh_word ret = { text, strlen( text ) };

    return ret;
}

static int is_help( const char *arg )
{
    return !strcmp( arg, "?" ) || !strcmp( arg, "/?" ) || !strcmp( arg, "-?" ) || !strcmp( arg, "/h" ) || !strcmp( arg, "-h" ) ||
           is_word( whole( arg ), "help", 4 );
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
        if (is_word( value, "tcp", 1 )) command->protocol = PROTOCOL_TCP;
        else if (is_word( value, "udp", 1 )) command->protocol = PROTOCOL_UDP;
        else return 0;
        return 1;
    case TAG_STARTPORT:
        return parse_number( value, &command->start );
    case TAG_NUMBEROFPORTS:
        return parse_number( value, &command->count );
    case TAG_STORE:
        if (is_word( value, "active", 1 )) command->store = NETSH_STORE_ACTIVE;
        else if (is_word( value, "persistent", 1 )) command->store = NETSH_STORE_PERSISTENT;
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
    for (tag = 0; tag < TAG_COUNT; tag++) if (has_tag( verb, tag ) && is_word( word, tag_names[tag], 1 )) return tag;
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

void netsh_parse( int argc, char *const *argv, struct netsh_command *command )
{
    int i;

    memset( command, 0, sizeof(*command) );
    if (argc < 4) return;
    /* The order in which netsh looks makes "i" interface: forum posts write "netsh i i". */
    if (!is_word( whole( argv[0] ), "interface", 1 )) return;
    if (!is_word( whole( argv[1] ), "ipv4", 1 ) && !is_word( whole( argv[1] ), "ipv6", 4 )) return;
    if (!is_word( whole( argv[3] ), "excludedportrange", 1 )) return;
    if (is_word( whole( argv[2] ), "show", 2 )) command->verb = NETSH_SHOW;        /* or "set" */
    else if (is_word( whole( argv[2] ), "add", 1 )) command->verb = NETSH_ADD;
    else if (is_word( whole( argv[2] ), "delete", 2 )) command->verb = NETSH_DELETE; /* or "dump" */
    else return;

    for (i = 4; i < argc; i++) if (is_help( argv[i] )) command->error = NETSH_HELP;
    if (command->error != NETSH_HELP) parse_parameters( argc - 4, argv + 4, command );
}
