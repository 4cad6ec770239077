/*
 * portguard's side of the stream in memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "guard_ring.h"
#include "portguard_ring.h"

static struct ring_memory *memory;
static int memory_fd = -1, wake_fds[2] = { -1, -1 };
static struct ring_end requests, replies;
static int is_used;

static void close_fd( int *fd )
{
    if (*fd >= 0) close( *fd );
    *fd = -1;
}

void ring_close(void)
{
    is_used = 0;
    if (memory) munmap( memory, sizeof(*memory) );
    memory = NULL;
    close_fd( &memory_fd );
    close_fd( &wake_fds[0] );
    close_fd( &wake_fds[1] );
}

int ring_open( struct portguard_ring *place )
{
    void *view;

    ring_close();
    memset( place, 0, sizeof(*place) );
    /* with all of its memory: a page that can't be had later would end who touches it */
    if ((memory_fd = memfd_create( "portguard", MFD_CLOEXEC )) < 0 || posix_fallocate( memory_fd, 0, sizeof(*memory) ) ||
        pipe2( wake_fds, O_CLOEXEC | O_NONBLOCK ) || getrandom( &place->nonce, sizeof(place->nonce), 0 ) != sizeof(place->nonce) ||
        (view = mmap( NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0 )) == MAP_FAILED)
    {
        ring_close();
        return 0;
    }
    memory = view;
    memory->nonce = place->nonce;
    memory->replies.asleep = 1;
    requests = (struct ring_end){ &memory->requests, memory->request_bytes, RING_REQUESTS_SIZE, 0 };
    replies = (struct ring_end){ &memory->replies, memory->reply_bytes, RING_REPLIES_SIZE, 0 };
    place->pid = getpid();
    place->memory_fd = memory_fd;
    place->wake_fd = wake_fds[1];
    return 1;
}

void ring_start(void)
{
    is_used = memory != NULL;
}

int ring_is_used(void)
{
    return is_used;
}

int ring_fd(void)
{
    return is_used ? wake_fds[0] : -1;
}

int ring_wait(void)
{
    if (!is_used) return 1;
    ring_sleep( &requests );
    return ring_is_empty( &requests );
}

int ring_receive( void *data, size_t size )
{
    char bytes[64];

    if (!is_used) return 0;
    ring_stay_awake( &requests );
    while (read( wake_fds[0], bytes, sizeof(bytes) ) == sizeof(bytes)) ;
    return ring_read( &requests, data, size );
}

int ring_send( const void *data, size_t size, int *wake )
{
    int ret = ring_write( &replies, data, size );

    *wake = ring_must_wake( &replies );
    return ret;
}
