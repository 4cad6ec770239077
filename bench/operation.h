/*
 * What is measured: operations that are carried out over and over
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef __BENCH_OPERATION_H
#define __BENCH_OPERATION_H

/* Begin an operation by its name, such as "acquire-tcp" or, with a number where it has one, "acquire-tcp:1000". Returns 0 where there
 * is no such thing: Windows' functions without reservations. Ends the program when the name is unknown, or anything else goes wrong. */
extern int operation_begin( const char *name );

/* carry it out once */
extern void operation_run(void);

/* what is to do between two runs, and not measured */
extern void operation_after(void);

extern void operation_end(void);

/* What a child of this program keeps until it is told to end: "associated", "reservations:N", "sockets:N", "acquiring:N" */
extern void hold( const char *name );

/* end the processes that it has started for that; its own ends with it */
extern void let_go(void);

#endif /* __BENCH_OPERATION_H */
