/*
 * Time, and what else the parts of this program share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef __BENCH_H
#define __BENCH_H

/* in microseconds, the same clock in all processes */
extern double now(void);

/* measure for so many ms, with and without changes */
extern void bench_stall( unsigned long milliseconds, int create );

#endif /* __BENCH_H */
