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
 * output, in the same order, except to those that want none. Both run on one machine: integers are in its byte
 * order. Ports are in host order. The helper ends when the
 * stream does, or, after PORTGUARD_LINGER, some time later: a server that was killed is soon followed by another one, which
 * takes the helper over with all its guards. */

#define PORTGUARD_FILE    "portguard"  /* stands beside portserver.exe */
#define PORTGUARD_VERSION 2

enum portguard_op
{
    PORTGUARD_HELLO = 1,  /* answered with PORTGUARD_VERSION in port; must come first */
    PORTGUARD_GUARD,      /* guard_ports() of guard.h */
    PORTGUARD_RELEASE,    /* guard_release() */
    PORTGUARD_YIELD,      /* guard_yield() of count ports */
    PORTGUARD_RETAKE,     /* guard_retake() of count ports */
    PORTGUARD_LINGER,     /* outlive the stream, as long as the wineserver runs but for count seconds at most, for who knows
                           * the cookie; port in the reply is where */
    PORTGUARD_CLAIM,      /* first on a connection to that port of the loopback interface: go on here; answered as HELLO */
    PORTGUARD_FORGET,     /* drop what was not guarded again since CLAIM; take back what was not yielded again */
    PORTGUARD_QUIT,       /* end now */
};

#define PORTGUARD_FORCE      0x1  /* GUARD: leave out what can't be guarded, and try again every second */
#define PORTGUARD_PERSISTENT 0x2  /* GUARD: let in those who ask for a port by number */
#define PORTGUARD_NO_REPLY   0x4

struct portguard_request
{
    uint32_t op;        /* enum portguard_op */
    uint32_t flags;     /* PORTGUARD_* */
    uint32_t serial;    /* returned in the reply */
    uint32_t protocol;  /* PROTOCOL_TCP or PROTOCOL_UDP; LINGER, CLAIM: low half of the cookie */
    uint32_t first;     /* LINGER, CLAIM: high half of the cookie */
    uint32_t count;
};

struct portguard_reply
{
    uint32_t serial;
    int32_t  status;    /* NTSTATUS; when it is not STATUS_SUCCESS nothing has changed */
    uint32_t port;      /* the port that the status is about */
    uint32_t missing;   /* GUARD with PORTGUARD_FORCE: number of ports left out */
};

#endif /* PORTRES_PORTGUARD_H */
