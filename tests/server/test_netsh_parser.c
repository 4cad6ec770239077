/*
 * Tests of netsh's command line
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "test.h"

#include <stdlib.h>

#include "../../programs/netsh/parser.h"
#include "status.h"

#define MAX_ARGS 32

/* split at blanks and parse */
static struct netsh_command parse( const char *line )
{
    static char buffer[512];
    char *argv[MAX_ARGS] = { NULL }, *arg;
    struct netsh_command ret;
    int argc = 0;

    snprintf( buffer, sizeof(buffer), "%s", line );
    for (arg = strtok( buffer, " " ); arg && argc < MAX_ARGS; arg = strtok( NULL, " " )) argv[argc++] = arg;
    netsh_parse( argc, argv, &ret );
    return ret;
}

static int is_text( struct netsh_word word, const char *text )
{
    return word.len == strlen( text ) && (!word.len || !memcmp( word.text, text, word.len ));
}

/* "netsh int ip show excl protocol=tcp", and what else people paste from forums */
static void test_show(void)
{
    static const struct
    {
        const char *line;
        int protocol, store;
    }
    tests[] =
    {
        { "interface ipv4 show excludedportrange protocol=tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "interface ipv4 show excludedportrange protocol=udp", PROTOCOL_UDP, NETSH_STORE_DEFAULT },
        { "interface ipv6 show excludedportrange protocol=tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "interface ip show excludedportrange protocol=tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "int ip show excl protocol=tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "int ipv4 show excludedportrange tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "int ipv4 sh ex udp", PROTOCOL_UDP, NETSH_STORE_DEFAULT },
        { "i i sh e t", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "INT IPv4 SHOW ExcludedPortRange PROTOCOL=TCP", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "int ipv4 show excludedportrange protocol=tcp store=active", PROTOCOL_TCP, NETSH_STORE_ACTIVE },
        { "int ipv4 show excludedportrange protocol=tcp store=persistent", PROTOCOL_TCP, NETSH_STORE_PERSISTENT },
        { "int ipv4 show excludedportrange store=p protocol=u", PROTOCOL_UDP, NETSH_STORE_PERSISTENT },
        { "int ipv4 show excludedportrange tcp persistent", PROTOCOL_TCP, NETSH_STORE_PERSISTENT },
        { "int ipv4 show excludedportrange store=active udp", PROTOCOL_UDP, NETSH_STORE_ACTIVE },
        { "int ipv4 show excludedportrange protocol = tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "int ipv4 show excludedportrange protocol= tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
        { "int ipv4 show excludedportrange protocol =tcp", PROTOCOL_TCP, NETSH_STORE_DEFAULT },
    };
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        struct netsh_command command = parse( tests[i].line );

        ok( command.verb == NETSH_SHOW, "%s: got verb %d", tests[i].line, command.verb );
        ok( command.error == NETSH_OK, "%s: got error %d", tests[i].line, command.error );
        ok( command.protocol == tests[i].protocol, "%s: got protocol %d", tests[i].line, command.protocol );
        ok( (int)command.store == tests[i].store, "%s: got store %d", tests[i].line, command.store );
    }
}

/* "add/delete excludedportrange protocol= startport= numberofports=" */
static void test_change(void)
{
    static const struct
    {
        const char *line;
        int verb, protocol;
        unsigned int start, count;
        int store;
    }
    tests[] =
    {
        { "int ipv4 add excludedportrange protocol=tcp startport=50000 numberofports=20", NETSH_ADD, PROTOCOL_TCP, 50000, 20, 0 },
        { "int ipv4 add excludedportrange udp 52311 1", NETSH_ADD, PROTOCOL_UDP, 52311, 1, 0 },
        { "int ipv4 del ex tcp 40000 11", NETSH_DELETE, PROTOCOL_TCP, 40000, 11, 0 },
        { "interface ipv6 delete excludedportrange protocol=udp startport=1 numberofports=65535", NETSH_DELETE, PROTOCOL_UDP, 1, 65535, 0 },
        { "int ipv4 add excludedportrange tcp startport=59999 numberofports=1 store=persistent", NETSH_ADD, PROTOCOL_TCP, 59999, 1,
          NETSH_STORE_PERSISTENT },
        { "int ipv4 add excludedportrange tcp start=59999 num=1 store=active", NETSH_ADD, PROTOCOL_TCP, 59999, 1, NETSH_STORE_ACTIVE },
        { "int ipv4 add excludedportrange numberofports=5 store=p startport=7 protocol=udp", NETSH_ADD, PROTOCOL_UDP, 7, 5,
          NETSH_STORE_PERSISTENT },
        { "int ipv4 add excludedportrange protocol = tcp startport = 6000 numberofports = 1", NETSH_ADD, PROTOCOL_TCP, 6000, 1, 0 },
        { "int ip a e t 1 2 a", NETSH_ADD, PROTOCOL_TCP, 1, 2, NETSH_STORE_ACTIVE },
        /* what is no block is for the server to say */
        { "int ipv4 add excludedportrange tcp 0 0", NETSH_ADD, PROTOCOL_TCP, 0, 0, 0 },
        { "int ipv4 add excludedportrange tcp 65536 1", NETSH_ADD, PROTOCOL_TCP, 65536, 1, 0 },
        { "int ipv4 add excludedportrange tcp 007000 01", NETSH_ADD, PROTOCOL_TCP, 7000, 1, 0 },
    };
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        struct netsh_command command = parse( tests[i].line );

        ok( (int)command.verb == tests[i].verb, "%s: got verb %d", tests[i].line, command.verb );
        ok( command.error == NETSH_OK, "%s: got error %d", tests[i].line, command.error );
        ok( command.protocol == tests[i].protocol, "%s: got protocol %d", tests[i].line, command.protocol );
        ok( command.start == tests[i].start && command.count == tests[i].count, "%s: got %u, %u", tests[i].line,
            command.start, command.count );
        ok( (int)command.store == tests[i].store, "%s: got store %d", tests[i].line, command.store );
    }
}

static void test_errors(void)
{
    static const struct
    {
        const char *line;
        int error;
        const char *word, *tag;
    }
    tests[] =
    {
        { "int ipv4 show excludedportrange", NETSH_MISSING, "", NULL },
        { "int ipv4 show excludedportrange store=active", NETSH_MISSING, "", NULL },
        { "int ipv4 add excludedportrange", NETSH_MISSING, "", NULL },
        { "int ipv4 add excludedportrange protocol=tcp", NETSH_MISSING, "", NULL },
        { "int ipv4 add excludedportrange protocol=tcp startport=5", NETSH_MISSING, "", NULL },
        { "int ipv4 delete excludedportrange startport=5 numberofports=1", NETSH_MISSING, "", NULL },
        { "int ipv4 show excludedportrange protocol=icmp", NETSH_BAD_VALUE, "icmp", "protocol" },
        { "int ipv4 show excludedportrange protocol=", NETSH_BAD_VALUE, "", "protocol" },
        { "int ipv4 show excludedportrange tcpx", NETSH_BAD_VALUE, "tcpx", "protocol" },
        { "int ipv4 show excludedportrange tcp store=boot", NETSH_BAD_VALUE, "boot", "store" },
        { "int ipv4 add excludedportrange tcp http 1", NETSH_BAD_VALUE, "http", "startport" },
        { "int ipv4 add excludedportrange tcp -1 1", NETSH_BAD_VALUE, "-1", "startport" },
        { "int ipv4 add excludedportrange tcp 99999999999 1", NETSH_BAD_VALUE, "99999999999", "startport" },
        { "int ipv4 add excludedportrange tcp 1 1x", NETSH_BAD_VALUE, "1x", "numberofports" },
        { "int ipv4 add excludedportrange tcp startport= numberofports=1", NETSH_BAD_VALUE, "", "startport" },
        { "int ipv4 show excludedportrange port=5", NETSH_BAD_TAG, "port", NULL },
        { "int ipv4 show excludedportrange tcp startport=5", NETSH_BAD_TAG, "startport", NULL },
        { "int ipv4 show excludedportrange tcp active 5", NETSH_BAD_TAG, "5", NULL },
        { "int ipv4 show excludedportrange protocol=tcp protocol=udp", NETSH_BAD_TAG, "protocol", NULL },
        { "int ipv4 show excludedportrange =tcp", NETSH_BAD_TAG, "", NULL },
        { "int ipv4 show excludedportrange =", NETSH_BAD_TAG, "", NULL },
    };
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        struct netsh_command command = parse( tests[i].line );

        ok( command.verb != NETSH_OTHER, "%s: got verb %d", tests[i].line, command.verb );
        ok( (int)command.error == tests[i].error, "%s: got error %d", tests[i].line, command.error );
        ok( is_text( command.word, tests[i].word ), "%s: got \"%.*s\"", tests[i].line, (int)command.word.len, command.word.text );
        if (tests[i].tag) ok( command.tag && !strcmp( command.tag, tests[i].tag ), "%s: got tag %s", tests[i].line, command.tag );
    }
}

static void test_help(void)
{
    static const char *const lines[] =
    {
        "int ipv4 show excludedportrange ?", "int ipv4 add excludedportrange /?", "int ipv4 del excl help",
        "int ipv4 add excludedportrange protocol=foo -?", "int ipv4 add excludedportrange -h",
    };
    unsigned int i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    {
        struct netsh_command command = parse( lines[i] );

        ok( command.verb != NETSH_OTHER && command.error == NETSH_HELP, "%s: got %d, %d", lines[i], command.verb, command.error );
    }
}

/* "anything else goes to Wine's own netsh" */
static void test_other(void)
{
    static const char *const lines[] =
    {
        "", "?", "/?", "interface", "interface ipv4", "interface ipv4 show", "interface ipv4 show ?", "interface ipv4 show dynamicport tcp",
        "interface ipv4 set excludedportrange tcp", "int ipv4 s e tcp", "int ipv4 d e tcp 1 1", "int ipv5 show excl tcp", "int tcp show excl tcp",
        "interfaces ipv4 show excl tcp", "int ipv4 show excludedportranges tcp", "int ipv4 show", "-c interface ipv4 show excl tcp",
        "-f script.txt", "advfirewall firewall add rule name=x", "int ip showx excl tcp", "int  ip reset all",
        "http add urlacl url=http://+:80/ user=x",
    };
    unsigned int i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    {
        struct netsh_command command = parse( lines[i] );

        ok( command.verb == NETSH_OTHER, "%s: got %d", lines[i], command.verb );
    }
}

/* whatever is typed */
static void test_random_arguments(void)
{
    static const char *const words[] = { "protocol", "=", "tcp", "protocol=tcp", "startport=", "=5", "5", "store=", "?", "a=b=c", "" };
    char *argv[16];
    unsigned int round;
    int argc, i;

    srand( 1 );
    for (round = 0; round < 20000; round++)
    {
        struct netsh_command command;

        argc = 4 + rand() % 10;
        argv[0] = (char *)"int";
        argv[1] = (char *)"ipv4";
        argv[2] = (char *)(round % 2 ? "show" : "add");
        argv[3] = (char *)"excl";
        for (i = 4; i < argc; i++) argv[i] = (char *)words[rand() % (sizeof(words) / sizeof(words[0]))];
        netsh_parse( argc, argv, &command );
        ok( command.verb == (round % 2 ? NETSH_SHOW : NETSH_ADD), "got %d", command.verb );
        ok( command.error != NETSH_OK || command.protocol == PROTOCOL_TCP, "accepted without a protocol" );
        ok( command.error != NETSH_BAD_VALUE || command.tag, "no tag" );
        ok( !command.word.len || strlen( command.word.text ) >= command.word.len, "word is too long" );
    }
}

int main(void)
{
    test_show();
    test_change();
    test_errors();
    test_help();
    test_other();
    test_random_arguments();
    return test_summary( "test_netsh_parser" );
}
