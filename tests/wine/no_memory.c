/*
 * An allocation of wineserver that fails
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* To be preloaded. $NO_MEMORY names a file that a test program maps, too: a number that each allocation makes one less, and the one that makes it
 * 0 fails. Those for the data of a request are left out: without it wineserver ends the thread that asks. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc( size_t size );
extern void *__libc_calloc( size_t count, size_t size );
extern void *__libc_realloc( void *ptr, size_t size );

#define REQUEST_SIZE 64  /* of a request without its data */

static volatile int *countdown;
static int data_follows;

static void __attribute__((constructor)) map_countdown(void)
{
    const char *file = getenv( "NO_MEMORY" );
    int fd = file ? open( file, O_RDWR | O_CLOEXEC ) : -1;
    void *ptr = fd < 0 ? MAP_FAILED : mmap( NULL, sizeof(*countdown), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0 );

    if (ptr != MAP_FAILED) countdown = ptr;
}

static int fails(void)
{
    if (!countdown || *countdown <= 0 || --*countdown) return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc( size_t size )
{
    if (data_follows)
    {
        data_follows = 0;
        return __libc_malloc( size );
    }
    return fails() ? NULL : __libc_malloc( size );
}

void *calloc( size_t count, size_t size )
{
    return fails() ? NULL : __libc_calloc( count, size );
}

void *realloc( void *ptr, size_t size )
{
    return fails() ? NULL : __libc_realloc( ptr, size );
}

ssize_t read( int fd, void *buffer, size_t size )
{
    ssize_t ret = syscall( SYS_read, fd, buffer, size );

    /* a request begins with its number and the size of its data */
    data_follows = size == REQUEST_SIZE && ret == REQUEST_SIZE && ((const unsigned int *)buffer)[1];
    return ret;
}
