/*
 * Other processes of this program
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef __BENCH_CHILD_H
#define __BENCH_CHILD_H

#include <stdio.h>

struct child
{
    void *process;
    void *input;   /* of the child */
    void *output;
};

/* start "bench ARGUMENTS", and wait for its first line, "ready" */
extern void child_start( struct child *child, const char *arguments );

/* send it a line */
extern void child_tell( const struct child *child, const char *line );

/* read a line of it, without its end */
extern void child_ask( const struct child *child, char *line, unsigned int size );

/* tell it to end, and wait */
extern void child_end( struct child *child );

/* of a child: say something, wait for a line; fails at the end of the input */
extern void say( const char *format, ... );
extern int listen_to_parent( char *line, unsigned int size );

/* say what failed, and end the program */
extern void fail( const char *what, int error ) __attribute__((noreturn));

#endif /* __BENCH_CHILD_H */
