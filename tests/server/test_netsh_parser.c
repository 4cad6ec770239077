/*
 * Tests of netsh's command line, scripts and prompt
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

#include "../../programs/netsh/shell.h"
#include "status.h"

/* the command of a command line; the text must live as long as the result */
static struct netsh_step take( const char *text )
{
    static struct netsh_line line;
    struct netsh_shell shell = { 0 };
    struct netsh_step step;

    netsh_free_line( &line );
    if (!netsh_split( text, &line )) exit( 1 );
    netsh_take_line( &shell, &line, 0, &step );
    return step;
}

static struct netsh_command parse( const char *text )
{
    return take( text ).command;
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
        "?", "/?", "interface ipv4 show", "interface ipv4 show ?", "interface ipv4 show dynamicport tcp", "int ipv4 ?", "help",
        "int ipv4", "int ip reset all", "int  ip reset all", "int ipv5 show x", "interfaces ipv4 show x",
        "advfirewall firewall add rule name=x", "http add urlacl url=http://+:80/ user=x", "exec", "dump", "commit", "offline",
        "advfirewall firewall add rule name=excludedportrange dir=in", "advfirewall firewall add rule name=\"the excludedportrange\"",
        "wlan connect name=excl", "interface set interface name=exclude", "set machine ?", "foo bar", "\"\"",
    };
    unsigned int i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    {
        struct netsh_step step = take( lines[i] );

        ok( step.action == NETSH_WINE || (step.action == NETSH_NONE && step.context), "%s: got %d", lines[i], step.action );
        ok( step.command.verb == NETSH_OTHER, "%s: got verb %d", lines[i], step.command.verb );
    }
}

/* "A command that names excludedportrange never ends with success when nothing was done" */
static void test_names_range(void)
{
    static const char *const lines[] =
    {
        "show excludedportrange tcp", "excludedportrange", "add excl tcp 5000 1", "interface show excludedportrange tcp",
        "interface ipv4 set excludedportrange tcp", "int ipv4 s e tcp", "int ipv4 d e tcp 1 1", "int ipv5 show excl tcp",
        "int tcp show excl tcp", "interfaces ipv4 show excl tcp", "int ipv4 show excludedportranges tcp", "int ip showx excl tcp",
        "int ip excludedportrange", "advfirewall show excludedportrange", "\"interface ipv4 show excludedportrange protocol=tcp\"",
        "alias x add excludedportrange", "int ip show EXCLUDEDPORTRANGE2", "foo excludedportrange=1",
    };
    unsigned int i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    {
        struct netsh_step step = take( lines[i] );

        ok( step.action == NETSH_UNKNOWN, "%s: got %d", lines[i], step.action );
    }
}

/* one line after the other, as from a script or at the prompt */
static void test_lines(void)
{
    static const struct
    {
        const char *line;
        int action;
        const char *context;  /* that of the next line */
        const char *words;    /* with NETSH_WINE: what Wine's netsh gets; with NETSH_SCRIPT: the file's name */
    }
    tests[] =
    {
        /* contexts typed step by step */
        { "", NETSH_NONE, "", "" },
        { "   \t\r\n", NETSH_NONE, "", "" },
        { "# show excludedportrange tcp", NETSH_NONE, "", "" },
        { "  #comment", NETSH_NONE, "", "" },
        { "interface\r\n", NETSH_NONE, "interface", "" },
        { "ipv4\n", NETSH_NONE, "interface ipv4", "" },
        { "show excludedportrange tcp", NETSH_OURS, "interface ipv4", "" },
        { "  add   excl  udp 5000 1 \r\n", NETSH_OURS, "interface ipv4", "" },
        { "show dynamicport tcp\r\n", NETSH_WINE, "interface ipv4", "interface ipv4 show dynamicport tcp" },
        { "show", NETSH_WINE, "interface ipv4", "interface ipv4 show" },
        { "?", NETSH_WINE, "interface ipv4", "interface ipv4 ?" },
        { "set address name=\"a b\" static", NETSH_WINE, "interface ipv4", "interface ipv4 set address name=\"a b\" static" },
        { "..", NETSH_NONE, "interface", "" },
        { "show excludedportrange tcp", NETSH_UNKNOWN, "interface", "" },
        { "ip show excl tcp", NETSH_OURS, "interface", "" },
        { "ipv6 delete excludedportrange tcp 1 1", NETSH_OURS, "interface", "" },
        { "portproxy show all", NETSH_WINE, "interface", "interface portproxy show all" },
        { "..", NETSH_NONE, "", "" },
        { "..", NETSH_NONE, "", "" },
        { "int ip", NETSH_NONE, "interface ipv4", "" },
        /* what a context has not is looked for around it */
        { "ipv6", NETSH_NONE, "interface ipv6", "" },
        { "ipv4 show excl tcp", NETSH_OURS, "interface ipv6", "" },
        { "interface ipv4 show excl tcp", NETSH_OURS, "interface ipv6", "" },
        { "advfirewall firewall show rule all", NETSH_WINE, "interface ipv6", "advfirewall firewall show rule all" },
        { "advfirewall", NETSH_NONE, "advfirewall", "" },
        { "firewall", NETSH_NONE, "advfirewall firewall", "" },
        { "add rule name=x", NETSH_WINE, "advfirewall firewall", "advfirewall firewall add rule name=x" },
        { "show excludedportrange tcp", NETSH_UNKNOWN, "advfirewall firewall", "" },
        { "rpc", NETSH_NONE, "rpc", "" },
        { "filter", NETSH_NONE, "rpc filter", "" },
        { "add rule layer=um", NETSH_WINE, "rpc filter", "rpc filter add rule layer=um" },
        { "foo bar", NETSH_WINE, "rpc filter", "rpc filter foo bar" },
        { "i i", NETSH_NONE, "interface ipv4", "" },
        { "i", NETSH_WINE, "interface ipv4", "interface ipv4 i" },   /* install */
        /* what dump writes */
        { "pushd wlan", NETSH_NONE, "wlan", "" },
        { "pushd interface ipv6", NETSH_NONE, "interface ipv6", "" },
        { "pushd", NETSH_NONE, "interface ipv6", "" },
        { "int tcp", NETSH_NONE, "interface tcp", "" },
        { "popd", NETSH_NONE, "interface ipv6", "" },
        { "popd", NETSH_NONE, "wlan", "" },
        { "popd", NETSH_NONE, "interface ipv4", "" },
        { "popd", NETSH_NONE, "interface ipv4", "" },
        { "pushd foo", NETSH_UNKNOWN, "interface ipv4", "" },
        { "popd", NETSH_NONE, "interface ipv4", "" },
        /* scripts */
        { "exec a.txt", NETSH_SCRIPT, "interface ipv4", "a.txt" },
        { "exec \"C:\\My Scripts\\a.txt\"", NETSH_SCRIPT, "interface ipv4", "C:\\My Scripts\\a.txt" },
        { "EXEC", NETSH_WINE, "interface ipv4", "interface ipv4 EXEC" },
        { "int tcp exec b.txt", NETSH_SCRIPT, "interface tcp", "b.txt" },
        /* ends */
        { "bye", NETSH_QUIT, "interface tcp", "" },
        { "Quit\r\n", NETSH_QUIT, "interface tcp", "" },
        { "exit", NETSH_QUIT, "interface tcp", "" },
        { "exit now", NETSH_QUIT, "interface tcp", "" },
    };
    struct netsh_shell shell = { 0 };
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        char name[NETSH_MAX_CONTEXT_NAME], words[256];
        struct netsh_line line;
        struct netsh_step step;

        if (!netsh_split( tests[i].line, &line )) exit( 1 );
        netsh_take_line( &shell, &line, 0, &step );
        ok( (int)step.action == tests[i].action, "%u, %s: got %d", i, tests[i].line, step.action );
        netsh_context_name( shell.context, name, sizeof(name) );
        ok( !strcmp( name, tests[i].context ), "%u, %s: got context '%s'", i, tests[i].line, name );
        if (step.action == NETSH_WINE)
        {
            netsh_context_name( step.context, name, sizeof(name) );
            snprintf( words, sizeof(words), "%s%s%s", name, name[0] ? " " : "", line.raw[step.rest] );
            words[strcspn( words, "\r\n" )] = 0;
            ok( !strcmp( words, tests[i].words ), "%u, %s: got '%s'", i, tests[i].line, words );
        }
        if (step.action == NETSH_SCRIPT)
            ok( !strcmp( line.argv[step.rest], tests[i].words ), "%u, %s: got '%s'", i, tests[i].line, line.argv[step.rest] );
        netsh_free_line( &line );
    }
}

static void test_pushd_depth(void)
{
    struct netsh_shell shell = { 0 };
    struct netsh_line line;
    struct netsh_step step;
    unsigned int i;

    if (!netsh_split( "pushd interface", &line )) exit( 1 );
    for (i = 0; i < NETSH_MAX_STACK; i++)
    {
        netsh_take_line( &shell, &line, 0, &step );
        ok( step.action == NETSH_NONE, "%u: got %d", i, step.action );
    }
    netsh_take_line( &shell, &line, 0, &step );
    ok( step.action == NETSH_TOO_DEEP, "got %d", step.action );
    ok( shell.depth == NETSH_MAX_STACK, "got %u", shell.depth );
    netsh_free_line( &line );
}

/* commands for another machine are not carried out on this one */
static void test_machine(void)
{
    static const struct { const char *line, *machine; } tests[] =
    {
        { "set machine", "" }, { "set machine other", "other" }, { "set machine ?", "other" }, { "set mach name=third", "third" },
        { "int ip show excl tcp", "third" }, { "SET MACHINE", "" },
    };
    struct netsh_shell shell = { 0 };
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        struct netsh_line line;
        struct netsh_step step;

        if (!netsh_split( tests[i].line, &line )) exit( 1 );
        netsh_take_line( &shell, &line, 0, &step );
        ok( !strcmp( shell.machine, tests[i].machine ), "%s: got '%s'", tests[i].line, shell.machine );
        netsh_free_line( &line );
    }
}

static int is_same( const char *a, const char *b )
{
    return a && b ? !strcmp( a, b ) : a == b;
}

/* netsh [-a AliasFile] [-c Context] [-r RemoteMachine] [-u User] [-p Password] [Command | -f ScriptFile] */
static void test_options(void)
{
    static const struct
    {
        const char *line, *alias, *context, *script, *machine;
        int help, command;
    }
    tests[] =
    {
        { "", NULL, NULL, NULL, NULL, 0, 0 },
        { "int ip show excl tcp", NULL, NULL, NULL, NULL, 0, 0 },
        { "-c interface ip show excl tcp", NULL, "interface", NULL, NULL, 0, 2 },
        { "-c \"interface ipv4\" add excl tcp 1 1", NULL, "interface ipv4", NULL, NULL, 0, 2 },
        { "-f a.txt", NULL, NULL, "a.txt", NULL, 0, 2 },
        { "/F \"a b.txt\"", NULL, NULL, "a b.txt", NULL, 0, 2 },
        { "-c interface -f a.txt", NULL, "interface", "a.txt", NULL, 0, 4 },
        { "-r other -u u -p p -a b.txt -C wlan show x", "b.txt", "wlan", NULL, "other", 0, 10 },
        { "-f", NULL, NULL, NULL, NULL, 1, 0 },
        { "-c interface -f", NULL, "interface", NULL, NULL, 1, 2 },
        { "-?", NULL, NULL, NULL, NULL, 1, 0 },
        { "/h x", NULL, NULL, NULL, NULL, 1, 0 },
        { "-x y", NULL, NULL, NULL, NULL, 0, 0 },
        { "-file y", NULL, NULL, NULL, NULL, 0, 0 },
        { "interface -c x", NULL, NULL, NULL, NULL, 0, 0 },
    };
    unsigned int i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        struct netsh_options options;
        struct netsh_line line;

        if (!netsh_split( tests[i].line, &line )) exit( 1 );
        netsh_parse_options( &line, &options );
        ok( is_same( options.alias, tests[i].alias ), "%s: got -a %s", tests[i].line, options.alias );
        ok( is_same( options.context, tests[i].context ), "%s: got -c %s", tests[i].line, options.context );
        ok( is_same( options.script, tests[i].script ), "%s: got -f %s", tests[i].line, options.script );
        ok( is_same( options.machine, tests[i].machine ), "%s: got -r %s", tests[i].line, options.machine );
        ok( options.help == tests[i].help, "%s: got %d", tests[i].line, options.help );
        ok( options.command == tests[i].command, "%s: got command %d", tests[i].line, options.command );
        netsh_free_line( &line );
    }
}

/* words, and where they begin */
static void test_split(void)
{
    static const struct { const char *line, *words[5]; int argc, at[5]; } tests[] =
    {
        { "", { NULL }, 0, { 0 } },
        { " \t \r\n", { NULL }, 0, { 5 } },
        { "a", { "a" }, 1, { 0, 1 } },
        { " a  bc ", { "a", "bc" }, 2, { 1, 4, 7 } },
        { "\"a b\" c", { "a b", "c" }, 2, { 0, 6, 7 } },
        { "name=\"a  b\"x \"\" y", { "name=a  bx", "", "y" }, 3, { 0, 13, 16, 17 } },
        { "a \"b c", { "a", "b c" }, 2, { 0, 2, 6 } },
        { "a\tb\xc3\xa4", { "a", "b\xc3\xa4" }, 2, { 0, 2, 5 } },
    };
    unsigned int i;
    int j;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        struct netsh_line line;

        if (!netsh_split( tests[i].line, &line )) exit( 1 );
        ok( line.argc == tests[i].argc, "%u: got %d words", i, line.argc );
        for (j = 0; j < line.argc && j < tests[i].argc; j++)
            ok( !strcmp( line.argv[j], tests[i].words[j] ), "%u: got '%s'", i, line.argv[j] );
        for (j = 0; j <= line.argc && j <= tests[i].argc; j++)
            ok( line.raw[j] - tests[i].line == tests[i].at[j], "%u: word %d is at %d", i, j, (int)(line.raw[j] - tests[i].line) );
        netsh_free_line( &line );
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

        argc = 2 + rand() % 10;
        argv[0] = (char *)(round % 2 ? "show" : "add");
        argv[1] = (char *)"excl";
        for (i = 2; i < argc; i++) argv[i] = (char *)words[rand() % (sizeof(words) / sizeof(words[0]))];
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
    test_names_range();
    test_lines();
    test_pushd_depth();
    test_machine();
    test_options();
    test_split();
    test_random_arguments();
    return test_summary( "test_netsh_parser" );
}
