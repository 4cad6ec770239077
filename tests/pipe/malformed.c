/*
 * Malformed requests on the pipe
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* A malformed request gets an error, and the server goes on. */

#include <stdlib.h>
#include <string.h>

#include "pipe_test.h"
#include "wine/test.h"

static const uint32_t sizes[] = REQUEST_SIZES;
static uint32_t server_pid;

/* Send a message; expect a reply, which must be a whole one. Returns its status. */
#define exchange( pipe, data, size, what ) exchange_( __LINE__, pipe, data, size, what )
static NTSTATUS exchange_( int line, HANDLE pipe, const void *data, DWORD size, const char *what )
{
    union generic_reply reply;
    DWORD ret;

    memset( &reply, 0xcc, sizeof(reply) );
    ret = transfer( pipe, (void *)data, size, TRUE );
    ok_( __FILE__, line, ret == size, "%s: wrote %lu of %lu bytes, error %lu\n", what, ret, size, GetLastError() );
    ret = transfer( pipe, &reply, sizeof(reply), FALSE );
    ok_( __FILE__, line, ret != ~0u, "%s: no reply, error %lu\n", what, GetLastError() );
    if (ret == ~0u) return STATUS_SUCCESS;
    ok_( __FILE__, line, ret >= sizeof(reply.__header) && ret == reply.__header.size, "%s: got %lu bytes, header says %u\n",
         what, ret, reply.__header.size );
    ok_( __FILE__, line, reply.__header.version == PROTOCOL_VERSION, "%s: got version %#x\n", what, reply.__header.version );
    return reply.__header.status;
}

/* The server must be the one of before: it neither died nor was started again. */
#define check_server( pipe, what ) check_server_( __LINE__, pipe, what )
static void check_server_( int line, HANDLE pipe, const char *what )
{
    union generic_request req;
    union generic_reply reply = { 0 };
    DWORD ret;

    set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
    ret = transfer( pipe, &req, req.__header.size, TRUE );
    ok_( __FILE__, line, ret == req.__header.size, "%s: wrote %lu bytes, error %lu\n", what, ret, GetLastError() );
    ret = transfer( pipe, &reply, sizeof(reply), FALSE );
    ok_( __FILE__, line, ret == sizeof(reply.get_server_info_reply) && !reply.__header.status,
         "%s: got %lu bytes, status %#x, error %lu\n", what, ret, reply.__header.status, GetLastError() );
    if (!server_pid) server_pid = reply.get_server_info_reply.pid;
    ok_( __FILE__, line, reply.get_server_info_reply.pid == server_pid, "%s: got server process %u, was %u\n",
         what, reply.get_server_info_reply.pid, server_pid );
}

static void test_short( HANDLE pipe )
{
    union generic_request req;
    NTSTATUS status;
    uint32_t code, size;
    char what[64];

    for (code = 0; code < REQ_NB_REQUESTS; code++)
    {
        for (size = 0; size < sizes[code]; size++)
        {
            /* the header may tell the truth about it, or not */
            sprintf( what, "request %u, short, %u bytes", code, size );
            set_header( &req, code, size );
            status = exchange( pipe, &req, size, what );
            ok( status < 0, "%s: got status %#lx\n", what, (long)status );
            set_header( &req, code, sizes[code] );
            status = exchange( pipe, &req, size, what );
            ok( status < 0, "%s: got status %#lx\n", what, (long)status );
        }
    }
    check_server( pipe, "after short requests" );
}

static void test_long( HANDLE pipe )
{
    static const uint32_t extra[] = { 1, 3, 100, 4096, 65536 };
    union generic_request *req = calloc( 1, sizeof(*req) + 65536 );
    NTSTATUS status;
    uint32_t code;
    unsigned int i;
    char what[64];

    if (!req)
    {
        ok( 0, "out of memory\n" );
        return;
    }
    for (code = 0; code < REQ_NB_REQUESTS; code++)
    {
        for (i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
        {
            sprintf( what, "request %u, %u bytes too long", code, extra[i] );
            set_header( req, code, sizes[code] + extra[i] );
            status = exchange( pipe, req, sizes[code] + extra[i], what );
            ok( status < 0, "%s: got status %#lx\n", what, (long)status );
            set_header( req, code, sizes[code] );
            status = exchange( pipe, req, sizes[code] + extra[i], what );
            ok( status < 0, "%s: got status %#lx\n", what, (long)status );
        }
    }
    check_server( pipe, "after long requests" );
    free( req );
}

static void test_unknown( HANDLE pipe )
{
    static const uint32_t codes[] = { REQ_NB_REQUESTS, REQ_NB_REQUESTS + 1, 0x7fffffff, 0x80000000, 0xffffffff };
    union generic_request req;
    NTSTATUS status;
    unsigned int i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    {
        set_header( &req, codes[i], sizeof(req.__header) );
        status = exchange( pipe, &req, sizeof(req.__header), "unknown code" );
        ok( status < 0, "code %#x: got status %#lx\n", codes[i], (long)status );
        set_header( &req, codes[i], sizeof(req) );
        status = exchange( pipe, &req, sizeof(req), "unknown code, long" );
        ok( status < 0, "code %#x: got status %#lx\n", codes[i], (long)status );
    }
    set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
    req.__header.version++;
    status = exchange( pipe, &req, req.__header.size, "another version" );
    ok( status < 0, "another version: got status %#lx\n", (long)status );
    check_server( pipe, "after unknown requests" );
}

static void test_garbage( HANDLE pipe )
{
    unsigned char buffer[sizeof(union generic_request) + 64] = { 0 };
    unsigned int i, j, size;
    NTSTATUS status;

    srand( 1 );
    for (i = 0; i < 1000; i++)
    {
        size = rand() % sizeof(buffer);
        for (j = 0; j < size; j++) buffer[j] = rand();
        status = exchange( pipe, buffer, size, "garbage" );
        ok( status < 0, "garbage of %u bytes, round %u: got status %#lx\n", size, i, (long)status );
    }
    check_server( pipe, "after garbage" );
}

/* Well-formed requests with fields that nobody may believe. The ones that only look may succeed. */
static void test_fields( HANDLE pipe )
{
    static const uint64_t values[] = { 0, 1, 4, 0x7fffffff, 0xffffffff, 0x100000000, ~(uint64_t)0, 0x8000000000000000 };
    HANDLE event = CreateEventW( NULL, FALSE, FALSE, NULL );
    union generic_request req;
    unsigned char *data = (unsigned char *)&req;
    NTSTATUS status;
    unsigned int i, j, round;
    uint32_t code;
    char what[64];

    srand( 2 );
    for (code = 0; code < REQ_NB_REQUESTS; code++)
    {
        if (code == REQ_create_persistent_reservation || code == REQ_delete_persistent_reservation) continue;  /* could hit */
        for (round = 0; round < 200; round++)
        {
            set_header( &req, code, sizes[code] );
            for (i = sizeof(req.__header); i + sizeof(uint64_t) <= sizes[code]; i += sizeof(uint64_t))
            {
                memcpy( data + i, &values[rand() % (sizeof(values) / sizeof(values[0]))], sizeof(uint64_t) );
                if (round & 1) for (j = 0; j < sizeof(uint64_t); j++) data[i + j] = rand();
            }
            if (round % 4 == 3 && sizes[code] >= sizeof(req.__header) + sizeof(uint64_t))
            {
                /* a handle that is good, but of no socket */
                uint64_t handle = (ULONG_PTR)event;
                memcpy( data + sizeof(req.__header), &handle, sizeof(handle) );
            }
            sprintf( what, "request %u, odd fields, round %u", code, round );
            status = exchange( pipe, &req, sizes[code], what );
            ok( status < 0 || code == REQ_get_server_info || code == REQ_get_reservations ||
                code == REQ_get_ports_in_use || code == REQ_get_guarded_ports,
                "%s: got status %#lx\n", what, (long)status );
        }
    }
    check_server( pipe, "after odd fields" );
    CloseHandle( event );
}

/* Clients that go in the middle. */
static void test_rude_clients(void)
{
    union generic_request req;
    unsigned int i;
    HANDLE pipe;

    for (i = 0; i < 100; i++)
    {
        pipe = connect_pipe();
        switch (i % 4)
        {
        case 0:  /* says nothing */
            break;
        case 1:  /* asks, and does not wait */
            set_header( &req, REQ_get_reservations, sizes[REQ_get_reservations] );
            req.get_reservations_request.protocol = PROTOCOL_TCP;
            transfer( pipe, &req, req.__header.size, TRUE );
            break;
        case 2:  /* says half of it */
            set_header( &req, REQ_get_reservations, sizes[REQ_get_reservations] );
            transfer( pipe, &req, 10, TRUE );
            break;
        case 3:  /* asks many times without reading */
            set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
            transfer( pipe, &req, req.__header.size, TRUE );
            transfer( pipe, &req, req.__header.size, TRUE );
            break;
        }
        CloseHandle( pipe );
    }
    pipe = connect_pipe();
    check_server( pipe, "after rude clients" );
    CloseHandle( pipe );
}

/* "Status blocks on the stack", and calls that wait: whatever handle a client names, the server asks it nothing that a driver may
 * leave unanswered.
 *
 * device: print "open" once the handles are there, wait for the driver's process to be stopped and for a line of input, and print
 * what the server says of each handle. */
START_TEST(device)
{
    static const uint32_t codes[] = { REQ_acquire_port_reservation, REQ_associate_port_reservation, REQ_bind_socket };
    static const DWORD flags[] = { 0, FILE_FLAG_OVERLAPPED };
    HANDLE devices[2], pipe = connect_pipe();
    union generic_request req;
    NTSTATUS status;
    unsigned int i, j;
    char line[16];

    for (i = 0; i < 2; i++)
    {
        devices[i] = CreateFileW( L"\\\\.\\MountPointManager", 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, flags[i], NULL );
        ok( devices[i] != INVALID_HANDLE_VALUE, "no device: error %lu\n", GetLastError() );
    }
    check_server( pipe, "before" );
    printf( "open\n" );
    fflush( stdout );
    if (!fgets( line, sizeof(line), stdin )) return;
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    {
        for (j = 0; j < 2; j++)
        {
            uint64_t handle = (ULONG_PTR)devices[j];

            set_header( &req, codes[i], sizes[codes[i]] );
            if (codes[i] == REQ_bind_socket) req.bind_socket_request.addr_len = 16;
            memcpy( (char *)&req + sizeof(req.__header), &handle, sizeof(handle) );
            status = exchange( pipe, &req, sizes[codes[i]], "a device" );
            ok( status == STATUS_OBJECT_TYPE_MISMATCH, "request %u, handle %u: got %#lx\n", codes[i], j, (long)status );
        }
    }
    check_server( pipe, "after devices" );
    printf( "done\n" );
}

START_TEST(malformed)
{
    HANDLE pipe = connect_pipe();

    if (pipe == INVALID_HANDLE_VALUE)
    {
        win_skip( "wine-portres is not installed in this prefix\n" );
        return;
    }
    check_server( pipe, "at first" );
    test_short( pipe );
    test_long( pipe );
    test_unknown( pipe );
    test_garbage( pipe );
    test_fields( pipe );
    CloseHandle( pipe );
    test_rude_clients();
}
