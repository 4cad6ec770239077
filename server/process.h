/*
 * Processes of clients
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_PROCESS_H
#define PORTRES_SERVER_PROCESS_H

#include <stdint.h>

#include "pool.h"

/* A process that is connected, that acquired a reservation which still lives, or brought a socket which does. While it is known here its id is not given
 * to another process, so the id alone names it. */
struct process
{
    struct port_client client;
    struct process *next;
    unsigned int    refcount;
    uint32_t        pid;
    unsigned int    sockets;        /* that the server knows from it */
    unsigned int    connections;    /* that it has open */
    uint64_t        start_time;     /* when it was created; with the id it names the process for all times */
    void           *handle;         /* HANDLE, may duplicate handles and query */
};

static inline struct process *process_from_client( const struct port_client *client )
{
    return PORT_LIST_ENTRY( client, struct process, client );
}

/* STATUS_SUCCESS, and a reference to the process with that id in *process */
extern NTSTATUS process_open( uint32_t pid, struct process **process );
extern struct process *process_find( uint32_t pid );  /* takes no reference; NULL when not known */
extern void process_grab( struct process *process );
extern void process_release( struct process *process );

/* Is the process an elevated member of Administrators? Decided by its own token: on Wine ImpersonateNamedPipeClient()
 * gives a token that is not the client's. STATUS_ACCESS_DENIED: no; another error: that can't be told now. */
extern NTSTATUS process_check_elevated( const struct process *process );

extern unsigned int processor_count(void);
/* lowest port that Linux hands out by itself (net.ipv4.ip_local_port_range) */
extern unsigned int first_ephemeral_port(void);

/* a number that cannot be guessed, 64 bits from the system; never 0 */
extern NTSTATUS random_token( uint64_t *token );

#endif /* PORTRES_SERVER_PROCESS_H */
