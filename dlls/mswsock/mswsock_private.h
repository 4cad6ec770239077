/*
 * What the parts of mswsock share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_MSWSOCK_PRIVATE_H
#define PORTRES_MSWSOCK_PRIVATE_H

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2spi.h>

#include "winsock_timeout.h"

/* A call that can end in a completion routine. */
struct io_call
{
    enum { IO_IOCTL, IO_RECV, IO_RECV_FROM, IO_SEND, IO_SEND_TO } op;
    SOCKET s;
    DWORD code;                         /* IO_IOCTL */
    void *in, *out;
    DWORD in_size, out_size;
    WSABUF *buffers;                    /* the others */
    DWORD count;
    DWORD send_flags, *recv_flags;
    const struct sockaddr *to;
    int to_len;
    struct sockaddr *from;
    int *from_len;
    DWORD *size;                        /* all */
    WSAOVERLAPPED *overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
};

/* Do the call, and see that its completion routine runs on the thread that is asked for: NULL, or one that can't be told, means the
 * calling one. Returns 0 or SOCKET_ERROR, and then an error in *error. */
extern int io_do_call( const struct io_call *call, const WSATHREADID *thread, int *error );

/* how the caller of WSPStartup() wants to have routines queued; NULL: by QueueUserAPC() */
extern LPWPUQUEUEAPC upcall_queue_apc;

#endif /* PORTRES_MSWSOCK_PRIVATE_H */
