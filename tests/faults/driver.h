/*
 * What the fault tests share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_FAULTS_DRIVER_H
#define PORTRES_FAULTS_DRIVER_H

#include <winsock2.h>
#include <ws2tcpip.h>

#include "protocol.h"
#include "status.h"
#include "faults.h"

#include <stdlib.h>
#include <string.h>

#include "wine/test.h"

extern struct faults *faults;

/* Make the section and look for the server; FALSE (and a failure) without them. */
extern BOOL driver_init(void);
/* was "full" among the arguments? */
extern BOOL driver_is_full(void);

/* Calls are counted from now on, and this one fails, if any, or all of one function. */
extern void faults_arm( const struct fault_call *call, LONG function, LONG kind );
extern void faults_disarm(void);
/* the calls that were counted; returns their number */
extern LONG get_calls( struct fault_call *calls );
/* "WriteFile at +1a2b" */
extern const char *call_name( const struct fault_call *call );
/* print the sites of the calls counted, for tests/tools/faults.sh */
extern void print_sites( const char *what, LONG count );

enum start_result
{
    SERVER_RUNS,
    SERVER_ENDED,
    SERVER_HANGS,
};

/* Start the server, and wait until it answers or ends. Its messages are what server_messages() returns. */
extern enum start_result server_start( DWORD *exit_code );
extern const char *server_messages(void);
extern void server_kill(void);
/* Make what a server that was killed left behind go away: its helper with the guards, its state, its journal. */
extern void remove_traces(void);
/* put the helper out of the server's reach, or back */
extern void hide_helper( BOOL hide );
extern BOOL server_alive(void);
extern DWORD server_handles(void);

/* Send a request and wait for its reply, as libs/portclient does: a connection that breaks is made anew, and the request sent
 * again under the same number. STATUS_HOST_UNREACHABLE: no answer in time. */
extern NTSTATUS call( enum request code, union generic_request *req, union generic_reply *reply );
extern void call_timeout( DWORD timeout );
/* the next call makes a connection of its own */
extern void drop_connection(void);
/* a message that is no request: size bytes of the code given */
extern NTSTATUS call_raw( enum request code, DWORD size );

extern NTSTATUS get_info( struct get_server_info_reply *info );
extern NTSTATUS acquire( SOCKET s, unsigned int first, unsigned int count, uint64_t *token, unsigned int *granted );
extern NTSTATUS release( uint64_t token );
extern NTSTATUS associate( SOCKET s, uint64_t token );
extern NTSTATUS bind_socket( SOCKET s, int family, unsigned int port, unsigned int *bound );
extern NTSTATUS persistent( enum request code, int protocol, unsigned int first, unsigned int count, uint64_t *token );
extern NTSTATUS list_reservations( int protocol, struct reservation_info *entries, unsigned int *count );
extern NTSTATUS list_ports( int protocol, unsigned int first, unsigned int last, unsigned int *count );

extern SOCKET make_socket( int family, int type );
/* is the block in the registry? */
extern BOOL stored( int protocol, unsigned int first, unsigned int count );
/* the first of a number of ports that nobody has */
extern unsigned int find_free_ports( unsigned int count );

#endif /* PORTRES_FAULTS_DRIVER_H */
