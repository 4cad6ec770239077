/*
 * Reading netsh's commands, line by line
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_NETSH_READER_H
#define PORTRES_NETSH_READER_H

#include <stdio.h>

/* Lines come as UTF-8 from what is UTF-16 or UTF-8, each also without a byte order mark, or in the code page of the system. */
struct netsh_reader
{
    FILE *file;     /* in binary mode */
    int   started;
    int   wide;     /* 0, 1 for UTF-16, -1 for UTF-16 with the high byte first */
};

/* The next line, to be freed; NULL at the end. */
extern char *netsh_read_line( struct netsh_reader *reader );

#endif /* PORTRES_NETSH_READER_H */
