/*
 * How netsh gets its commands: options, lines, contexts
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After Microsoft's "Netsh Command Syntax, Contexts, and Formatting" and "Netsh Commands for All Contexts", and its pages on
 * NetShell (command inheritance, command abbreviation, root context). */

static int is_blank( char c )
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int netsh_split( const char *text, struct netsh_line *line )
{
    size_t len = strlen( text );
    const char *p = text;
    char *to;
    int quoted;

    /* a word and its blank take two characters, and its null has the place of the blank */
    line->argc = 0;
    line->raw = malloc( (len / 2 + 2) * sizeof(*line->raw) );
    line->argv = malloc( (len / 2 + 2) * sizeof(*line->argv) + len + 1 );
    if (!line->raw || !line->argv)
    {
        netsh_free_line( line );
        return 0;
    }
    to = (char *)(line->argv + len / 2 + 2);
    for (;;)
    {
        while (is_blank( *p )) p++;
        line->raw[line->argc] = p;
        if (!*p) break;
        line->argv[line->argc++] = to;
        for (quoted = 0; *p && (quoted || !is_blank( *p )); p++)
        {
            if (*p == '"') quoted = !quoted;
            else *to++ = *p;
        }
        *to++ = 0;
    }
    line->argv[line->argc] = NULL;
    return 1;
}

void netsh_free_line( struct netsh_line *line )
{
    free( line->raw );
    free( line->argv );
    line->raw = NULL;
    line->argv = NULL;
}

static int is_option( const char *word, const char *letters )
{
    return (word[0] == '-' || word[0] == '/') && word[1] && !word[2] && strchr( letters, word[1] );
}

void netsh_parse_options( const struct netsh_line *line, struct netsh_options *options )
{
    int i;

    memset( options, 0, sizeof(*options) );
    for (i = 0; i < line->argc && is_option( line->argv[i], "aAcCfFrRuUpPhH?" ); i += 2)
    {
        const char *value = line->argv[i + 1];

        if (!value || strchr( "hH?", line->argv[i][1] ))
        {
            options->help = 1;
            break;
        }
        switch (line->argv[i][1])
        {
        case 'a': case 'A': options->alias = value; break;
        case 'c': case 'C': options->context = value; break;
        case 'f': case 'F': options->script = value; break;
        case 'r': case 'R': options->machine = value; break;
        }
    }
    options->command = i;
}

/* The contexts of Windows, as its netsh lists them. Where a word begins more than one of them it means the first. */
enum { ROOT = NETSH_ROOT, ADVFIREWALL, BRANCHCACHE, INTERFACE, IPSEC, NAP, P2P, RAS, RPC, INTERFACE_IPV4, INTERFACE_IPV6 };

static const struct { const char *name; int parent; } contexts[] =
{
    [ROOT]           = { "", -1 },
    [ADVFIREWALL]    = { "advfirewall", ROOT },
    [BRANCHCACHE]    = { "branchcache", ROOT },
    [INTERFACE]      = { "interface", ROOT },   /* "i": forum posts write "netsh i i" */
    [IPSEC]          = { "ipsec", ROOT },
    [NAP]            = { "nap", ROOT },
    [P2P]            = { "p2p", ROOT },
    [RAS]            = { "ras", ROOT },
    [RPC]            = { "rpc", ROOT },
    [INTERFACE_IPV4] = { "ipv4", INTERFACE },   /* also "ip" */
    [INTERFACE_IPV6] = { "ipv6", INTERFACE },
    { "bridge", ROOT }, { "dhcp", ROOT }, { "dhcpclient", ROOT }, { "dnsclient", ROOT }, { "firewall", ROOT }, { "http", ROOT },
    { "ipsecdosprotection", ROOT }, { "lan", ROOT }, { "mbn", ROOT }, { "namespace", ROOT }, { "netio", ROOT }, { "nlm", ROOT },
    { "nps", ROOT }, { "routing", ROOT }, { "trace", ROOT }, { "wcn", ROOT }, { "wfp", ROOT }, { "winhttp", ROOT }, { "wins", ROOT },
    { "winsock", ROOT }, { "wlan", ROOT },
    { "consec", ADVFIREWALL }, { "firewall", ADVFIREWALL }, { "mainmode", ADVFIREWALL }, { "monitor", ADVFIREWALL },
    { "smb", BRANCHCACHE },
    { "6to4", INTERFACE }, { "httpstunnel", INTERFACE }, { "isatap", INTERFACE }, { "portproxy", INTERFACE }, { "tcp", INTERFACE },
    { "teredo", INTERFACE }, { "udp", INTERFACE },
    { "dynamic", IPSEC }, { "static", IPSEC },
    { "client", NAP }, { "hra", NAP },
    { "collab", P2P }, { "group", P2P }, { "idmgr", P2P }, { "pnrp", P2P },
    { "aaaa", RAS }, { "diagnostics", RAS }, { "ip", RAS }, { "ipv6", RAS },
    { "filter", RPC },
};

#define CONTEXT_COUNT ((int)(sizeof(contexts) / sizeof(contexts[0])))

size_t netsh_context_name( int context, char *name, size_t size )
{
    size_t len;

    if (context == ROOT)
    {
        if (size) *name = 0;
        return 0;
    }
    len = netsh_context_name( contexts[context].parent, name, size );
    len += snprintf( name + len, size - len, len ? " %s" : "%s", contexts[context].name );
    return len;
}

static int is_ip( int context )
{
    return context == INTERFACE_IPV4 || context == INTERFACE_IPV6;
}

static int find_subcontext( int parent, const char *word )
{
    int i;

    for (i = 0; i < CONTEXT_COUNT; i++) if (contexts[i].parent == parent && !strcmp( contexts[i].name, word )) return i;
    for (i = 0; i < CONTEXT_COUNT; i++) if (contexts[i].parent == parent && netsh_is_word( word, contexts[i].name, 1 )) return i;
    return -1;
}

/* commands of netsh itself, which every context has */
static const struct shell_command { const char *name; size_t min; } shell_commands[] =
{
    { "..", 2 }, { "bye", 1 }, { "exec", 2 }, { "exit", 3 }, { "popd", 2 }, { "pushd", 2 }, { "quit", 1 },
};

static const char *find_shell_command( const char *word )
{
    unsigned int i;

    for (i = 0; i < sizeof(shell_commands) / sizeof(shell_commands[0]); i++)
        if (netsh_is_word( word, shell_commands[i].name, shell_commands[i].min )) return shell_commands[i].name;
    return NULL;
}

/* what a context looks for before it looks for other contexts */
static int is_command( int context, const char *word )
{
    static const char *const common[] = { "add", "delete", "dump", "help", "reset", "set", "show" };
    unsigned int i;

    if (find_shell_command( word )) return 1;
    for (i = 0; i < sizeof(common) / sizeof(common[0]); i++) if (netsh_is_word( word, common[i], 1 )) return 1;
    return is_ip( context ) && (netsh_is_word( word, "install", 1 ) || netsh_is_word( word, "uninstall", 1 ));
}

/* Follow the words that are contexts, from the one of index on. What the context at hand does not have is looked for in those
 * around it. */
static int follow_contexts( int context, const struct netsh_line *line, int *index )
{
    int found, from;

    for (from = context; from != -1 && *index < line->argc; from = contexts[from].parent)
    {
        if (is_command( from, line->argv[*index] )) break;
        if ((found = find_subcontext( from, line->argv[*index] )) == -1) continue;
        for (context = found, (*index)++; *index < line->argc; context = found, (*index)++)
        {
            if (is_command( context, line->argv[*index] )) break;
            if ((found = find_subcontext( context, line->argv[*index] )) == -1) break;
        }
        break;
    }
    return context;
}

/* "set machine [name=]NAME": Windows carries out what follows on another machine, and without a name here again */
static int set_machine( struct netsh_shell *shell, char **argv )
{
    const char *name = "";

    if (!argv[0] || !argv[1] || !netsh_is_word( argv[0], "set", 3 ) || !netsh_is_word( argv[1], "machine", 2 )) return 0;
    if (argv[2] && (argv[2][0] == '?' || !strcmp( argv[2], "/?" ) || netsh_is_word( argv[2], "help", 4 ))) return 0;
    if (argv[2]) name = !strncmp( argv[2], "name=", 5 ) ? argv[2] + 5 : argv[2];
    snprintf( shell->machine, sizeof(shell->machine), "%s", name );
    return 1;
}

static enum netsh_action run_shell_command( struct netsh_shell *shell, const char *name, const struct netsh_line *line,
                                            struct netsh_step *step )
{
    int index = step->rest + 1;

    switch (name[0])
    {
    case '.':
        shell->context = shell->context == ROOT ? ROOT : contexts[shell->context].parent;
        return NETSH_NONE;
    case 'p':
        if (name[1] == 'o')
        {
            if (shell->depth) shell->context = shell->stack[--shell->depth];
            return NETSH_NONE;
        }
        step->context = follow_contexts( step->context, line, &index );
        if (index < line->argc) return NETSH_UNKNOWN;
        if (shell->depth == NETSH_MAX_STACK) return NETSH_TOO_DEEP;
        shell->stack[shell->depth++] = shell->context;
        shell->context = step->context;
        return NETSH_NONE;
    case 'e':
        if (name[2] == 'e')
        {
            if (index == line->argc) return NETSH_WINE;  /* says how it is called */
            shell->context = step->context;
            step->rest = index;
            return NETSH_SCRIPT;
        }
        /* fall through */
    default:
        return NETSH_QUIT;
    }
}

void netsh_take_line( struct netsh_shell *shell, const struct netsh_line *line, int index, struct netsh_step *step )
{
    const char *name;
    char **argv;
    int argc;

    memset( step, 0, sizeof(*step) );
    step->action = NETSH_NONE;
    step->context = shell->context;
    step->rest = index;
    if (index >= line->argc || line->argv[index][0] == '#') return;

    step->context = follow_contexts( shell->context, line, &step->rest );
    argv = line->argv + step->rest;
    argc = line->argc - step->rest;
    if (!argc)
    {
        shell->context = step->context;
        return;
    }
    if ((name = find_shell_command( argv[0] ))) step->action = run_shell_command( shell, name, line, step );
    else if (set_machine( shell, argv )) step->action = NETSH_NONE;
    else
    {
        if (is_ip( step->context )) netsh_parse( argc, argv, &step->command );
        if (step->command.verb != NETSH_OTHER) step->action = NETSH_OURS;
        else if (netsh_names_range( argc, argv )) step->action = NETSH_UNKNOWN;
        else if (is_ip( step->context ) && argc > 1 && netsh_is_word( argv[1], "excludedportrange", 1 )) step->action = NETSH_UNKNOWN;
        else step->action = NETSH_WINE;
    }
}
