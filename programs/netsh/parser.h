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

#ifndef PORTRES_NETSH_PARSER_H
#define PORTRES_NETSH_PARSER_H

#include <stddef.h>

/* Nothing here calls the system: the same code runs in netsh, in the native tests and under the fuzzer. */

enum netsh_verb
{
    NETSH_OTHER,   /* not for us */
    NETSH_SHOW,
    NETSH_ADD,
    NETSH_DELETE,
};

enum netsh_error
{
    NETSH_OK,
    NETSH_HELP,      /* asks for help on the command */
    NETSH_MISSING,   /* a parameter that the command needs */
    NETSH_BAD_TAG,   /* "word" is no parameter of the command, is one too many, or was given before */
    NETSH_BAD_VALUE, /* "word" is no value of the parameter "tag" */
};

enum netsh_store
{
    NETSH_STORE_DEFAULT,
    NETSH_STORE_ACTIVE,
    NETSH_STORE_PERSISTENT,
};

/* a part of an argument */
struct netsh_word
{
    const char *text;
    size_t      len;
};

struct netsh_command
{
    enum netsh_verb   verb;
    enum netsh_error  error;
    int               protocol;  /* IPPROTO_TCP or IPPROTO_UDP */
    unsigned int      start;     /* any number: the server says whether it is a block */
    unsigned int      count;
    enum netsh_store  store;
    const char       *tag;       /* with NETSH_BAD_VALUE */
    struct netsh_word word;
};

/* Parse the words of a command of the context "interface ipv4" or "interface ipv6", from "show", "add" or "delete" on. Words may be
 * shortened as netsh allows it; parameters come as tag=value, with or without blanks around the sign, or in the order of the help. */
extern void netsh_parse( int argc, char *const *argv, struct netsh_command *command );

/* Does netsh take the word for the full one? The beginning of a word will do, in small letters or capitals; at least min letters
 * are needed where another word begins alike. */
extern int netsh_is_word( const char *word, const char *full, size_t min );

/* Do the words speak of excludedportrange, rightly or not? */
extern int netsh_names_range( int argc, char *const *argv );

#endif /* PORTRES_NETSH_PARSER_H */
