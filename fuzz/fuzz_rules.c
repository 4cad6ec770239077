/*
 * Fuzzing the rules while the host waits
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* The input is a row of operations; wherever the host may wait for something, the next ones of the row come in between, some deep.
 * fuzz_request.c compares what single requests do with a model. Here it is what must be true whatever comes between: host_check(), and
 * for each operation what it must have done, or must not. */

#define MAX_STEPS 60
#define MAX_DEPTH 4

static const uint8_t *input, *input_end;
static unsigned int steps, depth;
static int in_use[HOST_SOCKETS];     /* requests about the socket that wait */
static uint64_t tokens[MAX_STEPS];   /* that were ever granted */
static unsigned int token_count;

static void fail( const char *what )
{
    fprintf( stderr, "fuzz_rules: %s\n", what );
    abort();
}

static unsigned int get_byte(void)
{
    return input < input_end ? *input++ : 0;
}

static unsigned int get_port(void)
{
    unsigned int b = get_byte();

    /* few ports, so that they meet */
    return b >= 250 ? 65535 - (255 - b) : b >= 240 ? 0 : 5000 + b % 16;
}

static uint64_t get_token(void)
{
    return token_count ? tokens[get_byte() % token_count] : 1;
}

static void check(void)
{
    const char *wrong = host_check();

    if (wrong) fail( wrong );
}

static void acquire( unsigned int client, unsigned int index )
{
    struct host_socket *sock = &host_sockets[index];
    unsigned int first = get_port(), count = get_byte() % 12;
    struct port_reservation *reservation;

    in_use[index]++;
    if (!ports_acquire( pool, &host_clients[client].ports, &sock->ports, first, count, &reservation ))
    {
        if (reservation->state != RESERVATION_LIVE) fail( "granted, and not live" );
        if (reservation->sock != &sock->ports || reservation->client != &host_clients[client].ports) fail( "granted to another" );
        if (reservation->count != count || (first && reservation->first != first)) fail( "granted another block" );
        tokens[token_count++] = reservation->token;
    }
    in_use[index]--;
}

static void release( unsigned int client )
{
    uint64_t token = get_token();
    struct port_reservation *reservation, *before = pool_find_token( pool, token );
    NTSTATUS status = ports_release( pool, &host_clients[client].ports, token, &reservation );

    if (!status)
    {
        if (reservation != before || before->client != &host_clients[client].ports) fail( "released another's" );
        if (get_byte() & 1) ports_end( pool, reservation );
        else if (ports_revive( pool, reservation )) fail( "can't revive" );
    }
    else if (before && pool_find_token( pool, token ) != before) fail( "an error, and released" );
}

static void associate( unsigned int client, unsigned int index )
{
    struct host_socket *sock = &host_sockets[index];
    uint64_t token = get_token();
    struct port_reservation *reservation = pool_find_token( pool, token );

    if (ports_associate( pool, &host_clients[client].ports, &sock->ports, sock->bound, token )) return;
    if (!reservation || sock->ports.reservation != reservation || reservation->state != RESERVATION_LIVE) fail( "associated with nothing" );
    if (reservation->kind == RESERVATION_RUNTIME ? reservation->client != &host_clients[client].ports : client) fail( "not allowed" );
}

static void bind( unsigned int index )
{
    struct host_socket *sock = &host_sockets[index];
    unsigned int what = get_byte(), port = get_port() & 0xffff, got, before = sock->bound;
    int was_associated = sock->ports.associated;
    NTSTATUS status;

    in_use[index]++;
    if (!sock->bound && sock->ports.processor == NO_PROCESSOR) sock->reuse = what & 1;
    status = host_try_bind( sock, port, what >> 1 & 3 ? 0 : sock->ports.protocol == PROTOCOL_TCP ? 1 << (what >> 3 & 1) : 0, &got );
    if (!status)
    {
        if (before || sock->bound != got || sock->ports.port != got) fail( "bound, and not" );
        if (port && got != port) fail( "bound to another port" );
        if (sock->ports.associated) fail( "bound, and associated" );
    }
    else if (!before && sock->bound && sock->ports.port != sock->bound) fail( "an error, and bound" );
    else if (was_associated && !sock->ports.associated && !sock->ports.port) fail( "an error, and no longer associated" );
    in_use[index]--;
}

static void set_processor( unsigned int client, unsigned int index )
{
    struct host_socket *sock = &host_sockets[index];

    /* a socket belongs to one process here */
    if (sock->ports.client && sock->ports.client != &host_clients[client].ports) return;
    ports_set_processor( &host_clients[client].ports, &sock->ports, sock->bound, sock->reuse, get_byte() % 5, 4 );
}

static void change_store( unsigned int client )
{
    unsigned int what = get_byte(), first = get_port(), count = get_byte() % 12;
    int protocol = what & 1 ? PROTOCOL_TCP : PROTOCOL_UDP;
    struct port_reservation *reservation;

    if (what & 2)
    {
        if (ports_create( pool, &host_clients[client].ports, protocol, first, count, &reservation )) return;
        if (client || !host_is_stored( protocol, first, count )) fail( "created, and not stored" );
        tokens[token_count++] = reservation->token;
    }
    else if (!ports_delete( pool, &host_clients[client].ports, protocol, first, count, &reservation ))
    {
        if (client || host_is_stored( protocol, first, count )) fail( "deleted, and stored" );
        if (what & 4 || ports_revive( pool, reservation )) ports_end( pool, reservation );
    }
}

static void step(void)
{
    unsigned int op = get_byte(), who = get_byte(), client = who % HOST_CLIENTS, index = who / HOST_CLIENTS % HOST_SOCKETS;

    if (steps++ >= MAX_STEPS) return;
    if (op & 0x80 && !depth) host_fail_at( get_byte() % 8 + 1 );
    switch (op % 10)
    {
    case 0: case 1: acquire( client, index ); break;
    case 2:         release( client ); break;
    case 3:         associate( client, index ); break;
    case 4: case 5: bind( index ); break;
    case 6:         set_processor( client, index ); break;
    case 7:         change_store( client ); break;
    case 8:         if (!in_use[index]) host_close( &host_sockets[index] ); break;
    case 9:
        if (!host_is_guarded( PROTOCOL_TCP, 5000 + who % 16 ) && !pool_port_in_use( pool, PROTOCOL_TCP, 5000 + who % 16 ) &&
            !pool_find_port( pool, PROTOCOL_TCP, 5000 + who % 16 ))
            host_set_busy( PROTOCOL_TCP, 5000 + who % 16, op & 0x10, op & 0x20 );
        break;
    }
    if (!depth) host_fail_at( 0 );
    check();
}

static void others_come(void)
{
    if (depth == MAX_DEPTH || input == input_end || !(get_byte() & 3)) return;
    depth++;
    step();
    depth--;
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    const char *wrong;

    input = data;
    input_end = data + size;
    steps = depth = token_count = 0;
    memset( in_use, 0, sizeof(in_use) );
    host_reset();
    host_waits = others_come;
    while (input < input_end && steps < MAX_STEPS) step();
    host_waits = NULL;
    host_end();
    if ((wrong = host_check())) fail( wrong );
    return 0;
}
