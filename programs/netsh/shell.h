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

#ifndef PORTRES_NETSH_SHELL_H
#define PORTRES_NETSH_SHELL_H

#include "parser.h"

/* Nothing here calls the system, as in parser.h. Text is UTF-8. */

/* a line in words: blanks end a word, but for those in double quotes, which are left out */
struct netsh_line
{
    int          argc;
    char       **argv;   /* the words, and NULL */
    const char **raw;    /* where each of them begins in the line, and where the line ends */
};

/* Split a line, which must live as long as the result; 0 when there is no memory. */
extern int netsh_split( const char *text, struct netsh_line *line );
extern void netsh_free_line( struct netsh_line *line );

/* the options before a command; the members are words of the line, or NULL */
struct netsh_options
{
    int         help;      /* asks for help, or an option lacks its value */
    const char *alias;     /* -a: script to run before all else */
    const char *context;   /* -c */
    const char *script;    /* -f */
    const char *machine;   /* -r */
    int         command;   /* index of the first word of the command; that of the end when there is none */
};

extern void netsh_parse_options( const struct netsh_line *line, struct netsh_options *options );

/* where one is: "interface ipv4". Contexts have numbers; 0 is the one at the start. */
#define NETSH_ROOT      0
#define NETSH_MAX_STACK 64

struct netsh_shell
{
    int          context;
    int          stack[NETSH_MAX_STACK];  /* pushd */
    unsigned int depth;
    char         machine[256];            /* "set machine", or -r; empty for this one */
};

enum netsh_action
{
    NETSH_NONE,      /* nothing is left to do; the context may be another one */
    NETSH_OURS,      /* do the command */
    NETSH_WINE,      /* give Wine's netsh the words from the one of index rest on, after those of the context */
    NETSH_SCRIPT,    /* run the script whose name is the word of index rest */
    NETSH_QUIT,
    NETSH_UNKNOWN,   /* there is no such command; it may not be left to Wine's netsh, whose success would be taken for ours */
    NETSH_TOO_DEEP,  /* more contexts were pushed than one can remember */
};

struct netsh_step
{
    enum netsh_action    action;
    struct netsh_command command;
    int                  context;
    int                  rest;
};

/* Take a line of a script or of the prompt, or the command of a command line (from the word of that index on). */
extern void netsh_take_line( struct netsh_shell *shell, const struct netsh_line *line, int index, struct netsh_step *step );

/* The name of a context, such as "interface ipv4", and 0 for an empty one; at most size bytes with the null. */
extern size_t netsh_context_name( int context, char *name, size_t size );
#define NETSH_MAX_CONTEXT_NAME 64

#endif /* PORTRES_NETSH_SHELL_H */
