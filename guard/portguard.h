/*
 * What portserver and its native helper portguard say to each other
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_H
#define PORTRES_PORTGUARD_H

#include "status.h"

/* The server sends requests over a stream, the helper's standard input, and reads one reply to each from the helper's standard
 * output, except to those that want none. They come in the same order, but for those to GUARD of large blocks, which may come later: the helper
 * takes such a block bit by bit, and handles other requests between unless they are about its ports. Both run on one machine: integers are in its byte
 * order. Ports are in host order. A message begins with its size, so that either side knows what is left of one
 * it doesn't like: the stream ends there.
 *
 * Who is at the other end is known without a word. The server makes both ends of the stream itself, and gives one to the program
 * that it starts. That program finds out by itself, from the kernel alone, whether the prefix has a helper already, and
 * then hands the stream on to that one; see portguard_handover.h. */

#define PORTGUARD_FILE    "portguard"  /* stands beside portserver.exe */
#define PORTGUARD_VERSION 5

enum portguard_op
{
    PORTGUARD_HELLO = 1,   /* must come first; count is PORTGUARD_VERSION of the server, port in the reply that of the helper.
                            * STATUS_NOT_SUPPORTED: the helper is not in wineserver's network, nor can it go there */
    PORTGUARD_GUARD,       /* guard_ports() of guard.h */
    PORTGUARD_RELEASE,     /* guard_release() */
    PORTGUARD_YIELD,       /* guard_yield(); forced: of count ports */
    PORTGUARD_RETAKE,      /* guard_retake() of count ports */
    PORTGUARD_SHARE,       /* guard_share() of one UDP port, on if flags have PORTGUARD_ON */
    PORTGUARD_BUSY_PORTS,  /* guard_busy_ports(); the reply is followed by a bit for each port */
    PORTGUARD_FIND_SOCKS,  /* guard_find_socks(); followed by count inodes, the reply by as many bytes.
                            * STATUS_NOT_SUPPORTED: wineserver is not known, or not to be looked into */
    PORTGUARD_FORGET,      /* drop what was not guarded again since HELLO; take back what was not yielded or shared again */
    PORTGUARD_INFO,        /* does nothing; the reply tells how it stands */
    PORTGUARD_OPEN_RING,   /* the reply is followed by struct portguard_ring */
    PORTGUARD_USE_RING,    /* what follows comes through that ring, and so do the replies; the stream carries no more than bytes that wake
                            * the other side. It is the last request on the stream */
    PORTGUARD_QUIT,        /* end now, with all guards; without that the helper outlives its server as long as wineserver runs, but for
                            * PORTGUARD_LINGER seconds at most, and the next one gets it with its guards */
};

#define PORTGUARD_LINGER 600

#define PORTGUARD_FORCE      0x1  /* GUARD: leave out what can't be guarded, and try again every second; YIELD: the owner has the ports */
#define PORTGUARD_PERSISTENT 0x2  /* GUARD: let in those who ask for a port by number */
#define PORTGUARD_NO_REPLY   0x4
#define PORTGUARD_ON         0x8

#define PORTGUARD_MAX_SOCKS  65536
#define PORTGUARD_MAP_SIZE   8192  /* bytes; port & 7 is the bit of byte port / 8 */

struct portguard_request
{
    uint32_t size;      /* of the message in bytes, this structure included */
    uint32_t op;        /* enum portguard_op */
    uint32_t flags;     /* PORTGUARD_* */
    uint32_t serial;    /* returned in the reply */
    uint32_t protocol;  /* PROTOCOL_TCP or PROTOCOL_UDP */
    uint32_t first;
    uint32_t count;
    uint32_t __pad;
};

#define PORTGUARD_MAX_REQUEST (sizeof(struct portguard_request) + PORTGUARD_MAX_SOCKS * sizeof(uint64_t))

struct portguard_reply
{
    uint32_t size;
    uint32_t serial;
    int32_t  status;    /* NTSTATUS; when it is not STATUS_SUCCESS nothing has changed */
    uint32_t port;      /* the port that the status is about */
    uint32_t guards;    /* sockets that there are now */
    uint32_t limit;     /* of them */
    uint32_t missing;   /* ports that should have one, and have none */
    uint32_t info;      /* PORTGUARD_INFO_* */
};

/* where the server finds the memory of guard_ring.h, and the pipe by which it wakes the helper */
struct portguard_ring
{
    uint64_t nonce;      /* that stands in the memory, so that it is no other's */
    uint32_t pid;        /* of the helper */
    uint32_t memory_fd;  /* descriptors of it */
    uint32_t wake_fd;
    uint32_t __pad;
};

#define PORTGUARD_INFO_EXHAUSTED 0x1  /* the last guard that was not made was one too many */
#define PORTGUARD_INFO_LINGERS   0x2  /* wineserver is known, so that the guards outlive the server */
#define PORTGUARD_INFO_PENDING   0x4  /* a large block is half guarded: the numbers will be others */

#define PORTGUARD_MAX_REPLY (sizeof(struct portguard_reply) + PORTGUARD_MAX_SOCKS)

#endif /* PORTRES_PORTGUARD_H */
