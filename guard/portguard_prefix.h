/*
 * The prefix that ports are kept for, and its wineserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_PREFIX_H
#define PORTRES_PORTGUARD_PREFIX_H

#include <stdint.h>
#include <sys/types.h>

/* What names a prefix in all that follows: device and inode of its folder, and the wineserver that runs for it, by process id and time of
 * start. A copy of the prefix, be it made while all runs, is another one. */
struct prefix_id
{
    uint64_t device;
    uint64_t inode;
    uint64_t server_start;
    uint32_t server_pid;
    uint32_t __pad;
};

/* Look for the prefix's wineserver. Returns NULL when there is none that can be told. */
extern const struct prefix_id *prefix_find(void);

/* Whether the wineserver that was found still runs. */
extern int prefix_alive(void);
/* A descriptor that becomes readable when it ends, -1 when there is no such thing. */
extern int prefix_fd(void);

/* Path of a file in the folder where wineserver works: only this user gets there, and it is no other prefix's. size is that of path. */
extern void prefix_path( char *path, size_t size, const char *file );

/* Go where wineserver's sockets are, of which fd is one. Returns 0 when this is another network, and there is no way. */
extern int prefix_enter_network( int fd );

/* Which of these sockets (inodes in ascending order) does wineserver have open? alive gets a byte for each. Returns 0 when that can't be told. */
extern int prefix_find_socks( const uint64_t *inodes, unsigned int count, unsigned char *alive );

#endif /* PORTRES_PORTGUARD_PREFIX_H */
