/*
 * The stream to portguard in memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_RING_H
#define PORTRES_GUARD_RING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A message over a socket takes wineserver six requests each way; one through memory that both sides have mapped takes none. The bytes are
 * the same, in the same order. Each ring has one writer and one reader, and neither trusts what the other may have written. Who finds
 * nothing to read says so and sleeps; who writes then wakes it: portguard by a byte through a pipe, or, as the server, by one
 * through the socket, which stays for that, and for the end. */

struct ring
{
    uint32_t written;  /* bytes in all, modulo 2^32 */
    uint32_t read;
    uint32_t asleep;   /* the reader has to be woken */
    uint32_t __pad[13];
};

#define RING_REQUESTS_SIZE (1u << 20)  /* powers of two, with room for the longest message */
#define RING_REPLIES_SIZE  (1u << 17)

struct ring_memory
{
    uint64_t    nonce;  /* of struct portguard_ring */
    uint64_t    __pad[7];
    struct ring requests, replies;
    char        request_bytes[RING_REQUESTS_SIZE];
    char        reply_bytes[RING_REPLIES_SIZE];
};

/* what one side has of a ring */
struct ring_end
{
    struct ring *ring;
    char        *bytes;
    uint32_t     size;
    uint32_t     pos;   /* its own count, which the other side can't change */
};

/* Write what there is room for. Returns how many bytes that were, or -1: the other side has written nonsense. */
static inline int ring_write( struct ring_end *end, const void *data, size_t len )
{
    uint32_t used = end->pos - __atomic_load_n( &end->ring->read, __ATOMIC_SEQ_CST ), start = end->pos & (end->size - 1), part;

    if (used > end->size) return -1;
    if (len > end->size - used) len = end->size - used;
    part = len < end->size - start ? len : end->size - start;
    memcpy( end->bytes + start, data, part );
    memcpy( end->bytes, (const char *)data + part, len - part );
    end->pos += len;
    __atomic_store_n( &end->ring->written, end->pos, __ATOMIC_SEQ_CST );
    return len;
}

/* Read what there is. Returns how many bytes that were, or -1. */
static inline int ring_read( struct ring_end *end, void *data, size_t len )
{
    uint32_t used = __atomic_load_n( &end->ring->written, __ATOMIC_SEQ_CST ) - end->pos, start = end->pos & (end->size - 1), part;

    if (used > end->size) return -1;
    if (len > used) len = used;
    part = len < end->size - start ? len : end->size - start;
    memcpy( data, end->bytes + start, part );
    memcpy( (char *)data + part, end->bytes, len - part );
    end->pos += len;
    __atomic_store_n( &end->ring->read, end->pos, __ATOMIC_SEQ_CST );
    return len;
}

static inline int ring_is_empty( const struct ring_end *end )
{
    return __atomic_load_n( &end->ring->written, __ATOMIC_SEQ_CST ) == end->pos;
}

/* The reader: about to sleep. Look once more whether the ring is empty after that. */
static inline void ring_sleep( struct ring_end *end )
{
    __atomic_store_n( &end->ring->asleep, 1, __ATOMIC_SEQ_CST );
}

static inline void ring_stay_awake( struct ring_end *end )
{
    __atomic_store_n( &end->ring->asleep, 0, __ATOMIC_SEQ_CST );
}

/* The writer: must the reader be woken? */
static inline int ring_must_wake( struct ring_end *end )
{
    return __atomic_exchange_n( &end->ring->asleep, 0, __ATOMIC_SEQ_CST ) != 0;
}

#endif /* PORTRES_GUARD_RING_H */
