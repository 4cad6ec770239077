/*
 * A host and a Wine prefix for the request handlers, made of tables
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fakes.h"
#include "closed.h"
#include "guard.h"
#include "log.h"
#include "map.h"
#include "process.h"
#include "request.h"
#include "request_handlers.h"
#include "reservation.h"
#include "sock.h"
#include "state.h"
#include "store.h"

#define FAKE_AF_INET  2    /* as Windows numbers them */
#define FAKE_AF_INET6 23

/* faults */

unsigned int fake_failed, fake_calls;
static unsigned int fail_at;

void fake_fail_at( unsigned int n )
{
    fail_at = n;
    fake_calls = fake_failed = 0;
}

static int fails(void)
{
    if (!fail_at || ++fake_calls != fail_at) return 0;
    fake_failed++;
    return 1;
}

/* The linker sends the allocations of the server's sources through this (-Wl,--wrap=calloc). The fakes use another function. */
extern void *__real_calloc( size_t count, size_t size );
extern void *__wrap_calloc( size_t count, size_t size );

void *__wrap_calloc( size_t count, size_t size )
{
    return fails() ? NULL : __real_calloc( count, size );
}

/* memory of the fakes themselves */
static void *get_memory( void *old, size_t size )
{
    void *ret = realloc( old, size );

    if (!ret) abort();
    return ret;
}

/* the first thing that the server did and must not */
static const char *violation;

static void violate( const char *what )
{
    if (!violation) violation = what;
}

/* others on the host */

static unsigned char busy_ports[2][POOL_PORTS];

void fake_set_busy( int protocol, unsigned int port, int busy )
{
    busy_ports[protocol_index( protocol )][port] = busy;
}


static struct fake_sock *find_sock( sock_id id );

/* guards */

#define GUARDED 0x1
#define YIELDED 0x2
#define PERSIST 0x4
#define SHARED  0x8

static unsigned char guards[2][POOL_PORTS];
static unsigned int guard_count;

/* the blocks guarded, and by first port where each is in the list, plus 1 */
static struct { int index; unsigned int first, count; } *blocks;
static unsigned int block_count, block_alloc;
static unsigned int block_places[2][POOL_PORTS];

static void add_block( int index, unsigned int first, unsigned int count )
{
    if (block_count == block_alloc)
        blocks = get_memory( blocks, (block_alloc = block_alloc ? 2 * block_alloc : 64) * sizeof(*blocks) );
    blocks[block_count].index = index;
    blocks[block_count].first = first;
    blocks[block_count].count = count;
    block_places[index][first] = ++block_count;
}

static void remove_block( int index, unsigned int first, unsigned int count )
{
    unsigned int place = block_places[index][first];

    if (!place || blocks[place - 1].count != count)
    {
        violate( "guard_release() of another block than was guarded" );
        return;
    }
    blocks[place - 1] = blocks[--block_count];
    block_places[blocks[place - 1].index][blocks[place - 1].first] = place;
    block_places[index][first] = 0;
}

void guard_get_info( struct guard_info *info )
{
    memset( info, 0, sizeof(*info) );
    info->flags = GUARD_COVERS_EPHEMERAL;
}

NTSTATUS guard_busy_ports( int protocol, unsigned char map[8192] )
{
    unsigned int port;

    for (port = 0; port < POOL_PORTS; port++)
        if (busy_ports[protocol_index( protocol )][port]) map[port / 8] |= 1 << (port & 7);
    return STATUS_SUCCESS;
}

void (*fake_while_guarding)(void);

NTSTATUS guard_ports( int protocol, unsigned int first, unsigned int count, enum guard_mode mode, int force, unsigned int *busy )
{
    unsigned char *guard = guards[protocol_index( protocol )];
    NTSTATUS status;
    unsigned int i;

    for (i = 0; i < count; i++) if (guard[first + i]) violate( "guard_ports() on guarded ports" );
    if (!force)
    {
        if (fails()) return STATUS_INSUFFICIENT_RESOURCES;
        if (fake_while_guarding) fake_while_guarding();
        if ((status = fake_host_status( protocol, first, count, busy ))) return status;
    }
    for (i = 0; i < count; i++) guard[first + i] = mode == GUARD_PERSISTENT ? GUARDED | PERSIST : GUARDED;
    guard_count += count;
    add_block( protocol_index( protocol ), first, count );
    return STATUS_SUCCESS;
}

void guard_release( int protocol, unsigned int first, unsigned int count )
{
    unsigned char *guard = guards[protocol_index( protocol )];
    unsigned int i;

    if (count == 1 && guard[first] == SHARED)  /* what stands for itself, since the block has ended meanwhile */
    {
        guard[first] = 0;
        return;
    }
    for (i = 0; i < count; i++)
    {
        if (!guard[first + i]) violate( "guard_release() of ports that are not guarded" );
        guard[first + i] = 0;
    }
    remove_block( protocol_index( protocol ), first, count );
    guard_count -= count;
}

NTSTATUS guard_yield( int protocol, unsigned int port )
{
    unsigned char *guard = &guards[protocol_index( protocol )][port];

    if (!(*guard & GUARDED) || *guard & YIELDED) violate( "guard_yield() where no guard stands" );
    if (fake_while_guarding) fake_while_guarding();
    if (*guard) *guard |= YIELDED;
    return STATUS_SUCCESS;
}

NTSTATUS guard_share( int protocol, unsigned int port, int on )
{
    unsigned char *guard = &guards[protocol_index( protocol )][port];

    if (!(*guard & GUARDED)) violate( "guard_share() where no guard stands" );
    if (on && fails()) return STATUS_INSUFFICIENT_RESOURCES;
    if (on && fake_while_guarding) fake_while_guarding();
    *guard = on ? *guard | SHARED : *guard & ~SHARED;
    return STATUS_SUCCESS;
}

unsigned int fake_looks;
static int cannot_tell, helper_stopped;

void fake_set_cannot_tell( int on )
{
    cannot_tell = on;
}

void fake_set_helper_stopped( int on )
{
    helper_stopped = on;
}

#define OWN_SOCK 0x1000000  /* of the server itself */

static int blind;

void fake_set_blind( int on )
{
    blind = on;
}

sock_id sock_own_id(void)
{
    return OWN_SOCK;
}

NTSTATUS guard_find_socks( const uint64_t *inodes, unsigned int count, unsigned char *alive )
{
    const struct fake_sock *sock;
    unsigned int i;

    fake_looks++;
    if (cannot_tell) return STATUS_NOT_SUPPORTED;
    if (helper_stopped)
    {
        usleep( 100000 );  /* the real one waits longer */
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (i = 0; i < count; i++)
    {
        if (i && inodes[i] <= inodes[i - 1]) violate( "guard_find_socks() with inodes that are not in order" );
        sock = find_sock( inodes[i] );
        alive[i] = !blind && (inodes[i] == OWN_SOCK || (sock && (sock->processes || sock->opened)));
    }
    return STATUS_SUCCESS;
}

void guard_retake( int protocol, unsigned int port )
{
    unsigned char *guard = &guards[protocol_index( protocol )][port];

    *guard &= ~YIELDED;
}

int guard_stands( int protocol, unsigned int port )
{
    return fake_is_guarded( protocol, port );
}

int fake_is_guarded( int protocol, unsigned int port )
{
    return (guards[protocol_index( protocol )][port] & (GUARDED | YIELDED)) == GUARDED;
}

/* sockets */

unsigned int fake_opened;
struct fake_sock *fake_socks;
unsigned int fake_sock_count;
static unsigned int sock_alloc, opened_count;
static sock_id last_id;

void fake_socket_again( unsigned int index, unsigned int process, int family, int protocol, int dual_stack )
{
    struct fake_sock *sock = &fake_socks[index];

    memset( sock, 0, sizeof(*sock) );
    sock->id = ++last_id;
    sock->processes = 1u << process;
    sock->is_socket = 1;
    sock->family = family == 4 ? FAKE_AF_INET : FAKE_AF_INET6;
    sock->protocol = protocol;
    sock->dual_stack = dual_stack;
}

unsigned int fake_socket( unsigned int process, int family, int protocol, int dual_stack )
{
    if (fake_sock_count == sock_alloc)
        fake_socks = get_memory( fake_socks, (sock_alloc = sock_alloc ? 2 * sock_alloc : 64) * sizeof(*fake_socks) );
    fake_socket_again( fake_sock_count, process, family, protocol, dual_stack );
    return fake_sock_count++;
}

static struct fake_sock *find_sock( sock_id id )
{
    unsigned int i;

    /* ids count up, as those of Linux do: until a place was used again it is at the end of the table */
    if (last_id - id < fake_sock_count && fake_socks[fake_sock_count - 1 - (last_id - id)].id == id)
        return &fake_socks[fake_sock_count - 1 - (last_id - id)];
    for (i = 0; i < fake_sock_count; i++) if (fake_socks[i].id == id) return &fake_socks[i];
    return NULL;
}

int fake_close( unsigned int index, unsigned int process )
{
    struct fake_sock *sock = &fake_socks[index];

    if (!(sock->processes & 1u << process)) return 0;
    if ((sock->processes &= ~(1u << process))) return 0;
    sock->port = 0;
    return 1;
}

int fake_close_pending( unsigned int index )
{
    return !fake_socks[index].processes && sock_table_find( fake_socks[index].id );
}

void fake_deliver_close( unsigned int index )
{
    struct fake_sock *sock = &fake_socks[index];

    if (!fake_close_pending( index )) return;
    if (sock->watched) sock_table_find( sock->id )->watch = NULL;
    sock->watched = 0;
    sock_closed( sock->id );
}

NTSTATUS sock_open( const struct process *process, uint64_t handle, struct sock_handle *ret )
{
    struct fake_sock *sock;

    fake_opened++;
    if (handle % 4 || !handle || handle / 4 > fake_sock_count) return STATUS_OBJECT_TYPE_MISMATCH;
    sock = &fake_socks[handle / 4 - 1];
    if (!(sock->processes & 1u << ((process->pid - FAKE_PID( 0 )) / 4)) || !sock->is_socket) return STATUS_OBJECT_TYPE_MISMATCH;
    if (fails()) return STATUS_INSUFFICIENT_RESOURCES;
    if (!sock->protocol) return STATUS_NOT_SUPPORTED;
    ret->handle = sock;
    ret->id = sock->id;
    ret->family = sock->family;
    ret->protocol = sock->protocol;
    ret->dual_stack = sock->dual_stack;
    sock->opened++;
    opened_count++;
    return STATUS_SUCCESS;
}

NTSTATUS sock_open_to_bind( const struct process *process, uint64_t handle, struct sock_handle *ret )
{
    return sock_open( process, handle, ret );
}

void sock_close( struct sock_handle *handle )
{
    struct fake_sock *sock = handle->handle;

    if (!sock || !sock->opened) violate( "sock_close() of what is not open" );
    else
    {
        sock->opened--;
        opened_count--;
    }
    handle->handle = NULL;
}

NTSTATUS sock_port( const struct sock_handle *handle, unsigned int *port )
{
    if (fails()) return STATUS_INSUFFICIENT_RESOURCES;
    *port = ((struct fake_sock *)handle->handle)->port;
    return STATUS_SUCCESS;
}

unsigned int sock_holds( const struct sock_handle *handle, const void *addr )
{
    static const unsigned char any[16];
    const unsigned char *bytes = addr;

    if (handle->family == FAKE_AF_INET) return memcmp( bytes + 4, any, 4 ) ? 0 : HOLDS_IPV4_ANY;
    return handle->dual_stack && !memcmp( bytes + 8, any, 16 ) ? HOLDS_BOTH_ANY : 0;
}

/* the lowest port of the block that a socket of Wine is bound to; 0: none */
static unsigned int find_bound( int protocol, unsigned int first, unsigned int count )
{
    unsigned int i, ret = 0;

    for (i = 0; i < fake_sock_count; i++)
    {
        const struct fake_sock *sock = &fake_socks[i];

        if (sock->port && sock->protocol == protocol && sock->port - first < count && (!ret || sock->port < ret)) ret = sock->port;
    }
    return ret;
}

NTSTATUS fake_host_status( int protocol, unsigned int first, unsigned int count, unsigned int *busy )
{
    const unsigned char *found = memchr( &busy_ports[protocol_index( protocol )][first], 1, count );
    unsigned int bound = find_bound( protocol, first, count );

    *busy = first;
    if (first < FAKE_FIRST_PORT) return STATUS_ACCESS_DENIED;
    if (!found && !bound) return STATUS_SUCCESS;
    *busy = found ? (unsigned int)(found - busy_ports[protocol_index( protocol )]) : bound;
    if (bound && bound < *busy) *busy = bound;
    return STATUS_SHARING_VIOLATION;
}

int fake_can_bind( const struct fake_sock *sock, unsigned int port )
{
    unsigned int i;

    if (port < FAKE_FIRST_PORT || port >= POOL_PORTS || busy_ports[protocol_index( sock->protocol )][port]) return 0;
    for (i = 0; i < fake_sock_count; i++)
    {
        const struct fake_sock *other = &fake_socks[i];

        if (other != sock && other->port == port && other->protocol == sock->protocol && other->family == sock->family &&
            !(sock->reuse && other->reuse))
            return 0;
    }
    return 1;
}

NTSTATUS sock_open_again( const struct process *process, uint64_t handle, sock_id id, struct sock_handle *ret )
{
    if (process && !sock_open( process, handle, ret ))
    {
        if (ret->id == id) return STATUS_SUCCESS;
        sock_close( ret );
    }
    if (sock_find( &id, 1, ret )) return STATUS_NO_MEMORY;
    return ret->handle ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}

NTSTATUS sock_get_reuse( const struct sock_handle *handle, int *reuse )
{
    if (fails()) return STATUS_INSUFFICIENT_RESOURCES;
    *reuse = ((struct fake_sock *)handle->handle)->reuse;
    return STATUS_SUCCESS;
}

NTSTATUS sock_set_reuse( const struct sock_handle *handle, int reuse )
{
    /* what takes an option back must not fail */
    if (reuse && fails()) return STATUS_INSUFFICIENT_RESOURCES;
    ((struct fake_sock *)handle->handle)->reuse = reuse;
    return STATUS_SUCCESS;
}

NTSTATUS sock_bind( const struct sock_handle *handle, const void *addr, unsigned int addr_len, unsigned int port,
                    unsigned int *wsa_error )
{
    struct fake_sock *sock = handle->handle;
    unsigned char guard;

    (void)addr;
    if (addr_len < 16 || addr_len > MAX_SOCKADDR_LEN) violate( "sock_bind() with a wrong length" );
    if (port >= POOL_PORTS)
    {
        violate( "sock_bind() without a port" );
        return STATUS_INVALID_PARAMETER;
    }
    guard = guards[protocol_index( sock->protocol )][port];
    if (guard & GUARDED && !(guard & (YIELDED | SHARED))) violate( "sock_bind() on a guarded port" );
    *wsa_error = 0;
    if (sock->port)
    {
        *wsa_error = 10022;  /* WSAEINVAL */
        return STATUS_UNSUCCESSFUL;
    }
    if (fails())
    {
        *wsa_error = 10055;  /* WSAENOBUFS */
        return STATUS_UNSUCCESSFUL;
    }
    if (!port) for (port = 40000; guards[protocol_index( sock->protocol )][port] || !fake_can_bind( sock, port ); port++) {}
    if (!fake_can_bind( sock, port ) || (guard & SHARED && !sock->reuse))
    {
        *wsa_error = 10048;  /* WSAEADDRINUSE */
        return STATUS_SHARING_VIOLATION;
    }
    sock->port = port;
    return STATUS_SUCCESS;
}

unsigned int first_ephemeral_port(void)
{
    return 32768;
}

unsigned int processor_count(void)
{
    return FAKE_PROCESSORS;
}

NTSTATUS sock_watch( const struct sock_handle *handle, struct watch **watch )
{
    struct fake_sock *sock = handle->handle;

    if (sock->watched) violate( "sock_watch() of a socket that is watched" );
    if (fails()) return STATUS_NO_MEMORY;
    sock->watched = 1;
    *watch = (struct watch *)sock;
    return STATUS_SUCCESS;
}

void sock_unwatch( struct watch *watch )
{
    struct fake_sock *sock = (struct fake_sock *)watch;

    if (!sock->watched) violate( "sock_unwatch() of a socket that is not watched" );
    sock->watched = 0;
}

NTSTATUS sock_find( const sock_id *ids, unsigned int count, struct sock_handle *handles )
{
    struct fake_sock *sock;
    unsigned int i;

    memset( handles, 0, count * sizeof(*handles) );
    if (fails()) return STATUS_NO_MEMORY;
    for (i = 0; i < count; i++)
    {
        if (i && ids[i] < ids[i - 1]) violate( "sock_find() with ids that are not sorted" );
        if (!(sock = find_sock( ids[i] )) || (!sock->processes && !sock->opened)) continue;
        handles[i].handle = sock;
        handles[i].id = sock->id;
        handles[i].family = sock->family;
        handles[i].protocol = sock->protocol;
        handles[i].dual_stack = sock->dual_stack;
        sock->opened++;
        opened_count++;
    }
    return STATUS_SUCCESS;
}

/* the map */

static unsigned char map_ports[2][POOL_PORTS];
static unsigned int map_port_count, map_sock_count, map_foreign, map_sharing;
static int map_published;

void map_set_ports( int protocol, unsigned int first, unsigned int count, unsigned int kind )
{
    unsigned char *ports = map_ports[protocol_index( protocol )];
    unsigned int i;

    if (!map_published) return;
    for (i = 0; i < count; i++)
    {
        if (!ports[first + i] == !kind) violate( "map_set_ports() without a change" );
        ports[first + i] = kind;
    }
    map_port_count += kind ? count : -count;
}

void map_add_socket( sock_id id )
{
    struct fake_sock *sock = find_sock( id );

    if (!map_published) return;
    if (!sock || sock->mapped) violate( "map_add_socket() of one that is there" );
    else sock->mapped = 1;
    map_sock_count++;
}

void map_remove_socket( sock_id id )
{
    struct fake_sock *sock = find_sock( id );

    if (!map_published) return;
    if (!sock || !sock->mapped) violate( "map_remove_socket() of one that is not there" );
    else sock->mapped = 0;
    map_sock_count--;
}

void map_count_foreign( int change )
{
    if (map_published) map_foreign += change;
    if (map_foreign > map_sock_count) violate( "more sockets of others than sockets" );
}

unsigned int fake_map_foreign(void)
{
    return map_foreign;
}

void map_count_sharing( int change )
{
    if (map_published) map_sharing += change;
}

static void clear_map(void)
{
    unsigned int i;

    memset( map_ports, 0, sizeof(map_ports) );
    for (i = 0; i < fake_sock_count; i++) fake_socks[i].mapped = 0;
    map_port_count = map_sock_count = map_foreign = map_sharing = 0;
}

void map_publish( const struct port_pool *pool )
{
    static const int protocols[2] = { PROTOCOL_TCP, PROTOCOL_UDP };
    const struct port_reservation *reservation;
    const struct sock *sock = NULL;
    unsigned int i, from;

    clear_map();
    map_published = 1;
    for (i = 0; i < 2; i++)
    {
        for (from = 0; (reservation = pool_next( pool, protocols[i], from )); from = reservation->first + reservation->count)
            map_set_ports( protocols[i], reservation->first, reservation->count, reservation->kind );
    }
    while ((sock = sock_table_next( sock )))
    {
        if (sock->mapped) map_add_socket( sock->id );
        map_foreign += sock->foreign;
        map_sharing += sock->shares;
    }
}

/* processes */

static struct process *processes;
static unsigned char elevated[FAKE_PROCESSES];
static uint64_t start_times[FAKE_PROCESSES] = { 1, 1, 1, 1, 1, 1, 1, 1 };
static unsigned char ended[FAKE_PROCESSES];

void fake_set_elevated( unsigned int process, int is_elevated )
{
    elevated[process] = is_elevated;
}

void fake_end_process( unsigned int process )
{
    ended[process] = 1;
}

void fake_restart_process( unsigned int process )
{
    ended[process] = 0;
    start_times[process]++;
}

struct process *process_find( uint32_t pid )
{
    struct process *process = processes;

    while (process && process->pid != pid) process = process->next;
    return process;
}

NTSTATUS process_open( uint32_t pid, struct process **ret )
{
    struct process *process = process_find( pid );

    if (!process)
    {
        if (ended[(pid - FAKE_PID( 0 )) / 4] || fails()) return STATUS_ACCESS_DENIED;
        if (!(process = __real_calloc( 1, sizeof(*process) ))) abort();  /* not one that fails on demand */
        process->pid = pid;
        process->start_time = start_times[(pid - FAKE_PID( 0 )) / 4];
        process->next = processes;
        processes = process;
    }
    process->refcount++;
    *ret = process;
    return STATUS_SUCCESS;
}

void process_grab( struct process *process )
{
    process->refcount++;
}

void process_release( struct process *process )
{
    struct process **link = &processes;

    if (--process->refcount) return;
    if (process->client.reservations || process->sockets || process->connections) violate( "process_release() of a process that is in use" );
    while (*link != process) link = &(*link)->next;
    *link = process->next;
    free( process );
}

NTSTATUS process_check_elevated( const struct process *process )
{
    if (fails()) return STATUS_NO_MEMORY;
    return elevated[(process->pid - FAKE_PID( 0 )) / 4] ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

NTSTATUS fake_connect( unsigned int process, struct client *client )
{
    NTSTATUS status = process_open( FAKE_PID( process ), &client->process );

    memset( &client->change, 0, sizeof(client->change) );
    if (!status) client->process->connections++;
    return status;
}

void fake_disconnect( struct client *client )
{
    request_done( client, 0 );
    client->process->connections--;
    process_release( client->process );
    client->process = NULL;
}

static uint64_t token_state, next_token;

void fake_next_token( uint64_t token )
{
    next_token = token;
}

NTSTATUS random_token( uint64_t *token )
{
    if (fails()) return STATUS_UNSUCCESSFUL;
    if ((*token = next_token))
    {
        next_token = 0;
        return STATUS_SUCCESS;
    }
    /* the multiplier of Knuth's MMIX generator: all states are different */
    token_state = token_state * 6364136223846793005u + 1442695040888963407u;
    *token = token_state ? token_state : 1;
    return STATUS_SUCCESS;
}

/* The server dies while it changes the store: nothing changes any more. */
static int dies_in_store, is_dead;

void fake_die_in_store(void)
{
    dies_in_store = 1;
}

static int dies(void)
{
    is_dead |= dies_in_store;
    return is_dead;
}

/* the store */

static uint32_t stored[2][POOL_PORTS];
static unsigned int stored_count;

unsigned int fake_stored( int protocol, unsigned int first )
{
    return stored[protocol_index( protocol )][first];
}

void fake_set_stored( int protocol, unsigned int first, unsigned int count )
{
    uint32_t *block = &stored[protocol_index( protocol )][first];

    if (!*block && count) stored_count++;
    if (*block && !count) stored_count--;
    *block = count;
}

NTSTATUS store_open( store_callback callback, void *context )
{
    unsigned int first;

    if (fails()) return STATUS_UNSUCCESSFUL;
    if (!stored_count) return STATUS_SUCCESS;
    for (first = 0; first < POOL_PORTS; first++)
        if (stored[0][first]) callback( context, PROTOCOL_TCP, first, stored[0][first] );
    for (first = 0; first < POOL_PORTS; first++)
        if (stored[1][first]) callback( context, PROTOCOL_UDP, first, stored[1][first] );
    return STATUS_SUCCESS;
}

NTSTATUS store_add( int protocol, unsigned int first, unsigned int count )
{
    if (fake_stored( protocol, first )) violate( "store_add() of what is stored" );
    if (dies() || fails()) return STATUS_UNSUCCESSFUL;
    fake_set_stored( protocol, first, count );
    return STATUS_SUCCESS;
}

NTSTATUS store_remove( int protocol, unsigned int first, unsigned int count )
{
    if (fake_stored( protocol, first ) != count) violate( "store_remove() of what is not stored" );
    if (dies() || fails()) return STATUS_UNSUCCESSFUL;
    fake_set_stored( protocol, first, 0 );
    return STATUS_SUCCESS;
}

void store_close(void)
{
}

/* the state that outlives the server */

static struct state_record *states;
static unsigned int state_count, states_used;
static unsigned int state_hint;   /* no record before it is free */
static int keep_state;   /* the server did not end by itself */

NTSTATUS state_open( struct state_record **records, unsigned int *count )
{
    *records = NULL;
    *count = 0;
    if (fails()) return STATUS_NO_MEMORY;
    if (!state_count) return STATUS_SUCCESS;
    *count = state_count;
    *records = get_memory( NULL, state_count * sizeof(**records) );
    memcpy( *records, states, state_count * sizeof(**records) );
    return STATUS_SUCCESS;
}

/* not one of a change that is under way */
static int is_lasting( const struct state_record *record )
{
    return record->type == STATE_RESERVATION || record->type == STATE_SOCKET;
}

static void write_state( unsigned int slot, const struct state_record *record )
{
    struct state_record *place = &states[slot - 1];

    if (slot > state_count) violate( "a slot that there is not" );
    else if (!is_dead)
    {
        states_used += is_lasting( record ) - is_lasting( place );
        *place = *record;
    }
}

void state_save( unsigned int *slot, const struct state_record *record )
{
    unsigned int i;

    if (!*slot)
    {
        for (i = state_hint; i < state_count && states[i].type; i++) ;
        if (i == state_count)
        {
            states = get_memory( states, (state_count = state_count ? 2 * state_count : 64) * sizeof(*states) );
            memset( states + i, 0, (state_count - i) * sizeof(*states) );
        }
        state_hint = i + 1;
        *slot = i + 1;
    }
    write_state( *slot, record );
}

void state_erase( unsigned int *slot )
{
    static const struct state_record empty;

    if (!*slot) return;
    write_state( *slot, &empty );
    if (state_hint > *slot - 1) state_hint = *slot - 1;
    *slot = 0;
}

int state_unsaved(void)
{
    return 0;
}

void state_close(void)
{
    if (keep_state) return;
    if (states) memset( states, 0, state_count * sizeof(*states) );
    states_used = state_hint = 0;
}

void log_message( const char *format, ... )
{
    (void)format;
}

/* the server as a whole */

static void forget_server(void)
{
    struct process *process;
    unsigned int i;

    while (block_count) guard_release( blocks[0].index ? PROTOCOL_UDP : PROTOCOL_TCP, blocks[0].first, blocks[0].count );
    free( blocks );
    blocks = NULL;
    block_alloc = 0;
    for (i = 0; i < fake_sock_count; i++) fake_socks[i].watched = fake_socks[i].opened = 0;
    opened_count = 0;
    map_published = 0;
    while ((process = processes))
    {
        processes = process->next;
        free( process );
    }
}

void fake_kill_server(void)
{
    keep_state = 1;
    reservations_done();
    keep_state = dies_in_store = is_dead = 0;
    forget_server();
}

NTSTATUS fake_start_server(void)
{
    NTSTATUS status;

    closed_init();
    status = reservations_init();

    if (!status) return status;
    /* the process ends */
    if (reservations_pool()) fake_kill_server();
    return status;
}

void fake_end_server(void)
{
    reservations_done();
    forget_server();
}

void fake_rewind(void)
{
    last_id = 0;
    token_state = 0;
}

void fake_reset(void)
{
    forget_server();
    clear_map();
    memset( busy_ports, 0, sizeof(busy_ports) );
    memset( stored, 0, sizeof(stored) );
    memset( elevated, 0, sizeof(elevated) );
    memset( ended, 0, sizeof(ended) );
    stored_count = 0;
    free( states );
    states = NULL;
    state_count = states_used = state_hint = 0;
    free( fake_socks );
    fake_socks = NULL;
    fake_sock_count = sock_alloc = 0;
    last_id = 0;
    token_state = next_token = 0;
    cannot_tell = 0;
    violation = NULL;
    fake_fail_at( 0 );
}

/* what must be true between any two requests */

static const char *check_reservation( const struct port_reservation *reservation, int every_port )
{
    const struct state_record *state;
    const struct port_pool *pool = reservations_pool();
    unsigned int i, port, kind = reservation->kind, slot = reservation_from_ports( reservation )->state_slot;
    int index = protocol_index( reservation->protocol );

    if (!reservation->token || pool_find_token( pool, reservation->token ) != reservation) return "a reservation without a token";
    if (!block_is_valid( reservation->first, reservation->count )) return "a reservation that is no block of ports";
    if (reservation->state != RESERVATION_LIVE) return "a reservation that is neither there nor not";
    for (i = 0; i < reservation->count; i++)
    {
        /* of large blocks the ends */
        if (!every_port && i == 8 && reservation->count > 16) i = reservation->count - 8;
        port = reservation->first + i;
        if (pool->owners[index][port] != reservation) return "a port of a reservation that the pool gives to another";
        if (map_ports[index][port] != kind) return "a reserved port that the map does not show";
        if (guards[index][port] != (GUARDED | (kind == RESERVATION_PERSISTENT ? PERSIST : 0) |
                                    (pool->holders[index][port] && pool->holders[index][port]->processor == NO_PROCESSOR ? YIELDED : 0)))
            return "a reserved port that is not guarded as it should be";
    }
    if (kind == RESERVATION_PERSISTENT)
    {
        if (reservation->client || reservation->sock || slot) return "a persistent reservation with an owner";
        if (stored[index][reservation->first] != reservation->count) return "a persistent reservation that is not in the store";
        return NULL;
    }
    if (kind != RESERVATION_RUNTIME || !reservation->sock) return "a reservation of no kind";
    if (reservation->sock->protocol != reservation->protocol) return "a reservation on a socket of the other protocol";
    if (!slot || slot > state_count) return "a reservation that is not saved";
    state = &states[slot - 1];
    if (state->type != STATE_RESERVATION || state->token != reservation->token || state->first != reservation->first ||
        state->count != reservation->count || (int)state->protocol != reservation->protocol ||
        state->sock != sock_from_ports( reservation->sock )->id ||
        (reservation->client && state->pid != reservation_owner( reservation )))
        return "a reservation that is saved wrongly";
    return NULL;
}

/* Are those open that the socket's reservations were acquired by? */
static int has_all_handles( const struct fake_sock *fake, const struct port_socket *ports )
{
    const struct port_reservation *reservation;
    const struct port_list *entry;

    for (entry = ports->acquired.next; entry != &ports->acquired; entry = entry->next)
    {
        reservation = PORT_LIST_ENTRY( entry, struct port_reservation, sock_entry );
        if (!reservation->client || !(fake->processes & 1u << (reservation_owner( reservation ) - FAKE_PID( 0 )) / 4)) return 0;
    }
    return 1;
}

static const char *check_sock( const struct sock *sock, unsigned int *acquired )
{
    const struct port_pool *pool = reservations_pool();
    const struct port_socket *ports = &sock->ports;
    struct fake_sock *fake = find_sock( sock->id );
    const struct state_record *state;
    struct port_list *entry;
    int watched, needs_watch;

    if (!fake || fake->protocol != ports->protocol) return "a socket that there is not";
    watched = sock->watch || !port_list_empty( &sock->watch_entry );
    needs_watch = closed_needs_watch() || (!port_list_empty( &ports->acquired ) && !ports->port);
    if (fake->watched != !!sock->watch || (sock->watch && !port_list_empty( &sock->watch_entry )) ||
        (watched && !needs_watch) || (!watched && needs_watch && (closed_needs_watch() || has_all_handles( fake, ports ))))
        return "a socket that is watched, or to be watched, or not, by mistake";
    if (fake->mapped != sock_needs_server( ports, ports->associated ) || sock->mapped != fake->mapped) return "a socket that the map shows wrongly";
    if (ports->associated && ports->port) return "a socket that is associated and holds a port";
    if (ports->binding) return "a socket that is being bound";
    if (ports->reservation && !ports->associated) return "a reservation of a socket that is not associated";
    if (ports->reservation && ports->reservation->protocol != ports->protocol) return "a socket associated with the other protocol";
    if (ports->reservation && pool_find_token( pool, ports->reservation->token ) != ports->reservation)
        return "a socket associated with what is not in the pool";
    if (fake->processes && ports->port && fake->port != ports->port) return "a socket that holds another port than it has";
    if (ports->port && !pool->holders[protocol_index( ports->protocol )][ports->port]) return "a holder that is not counted";
    for (entry = ports->acquired.next; entry != &ports->acquired; entry = entry->next)
    {
        if (PORT_LIST_ENTRY( entry, struct port_reservation, sock_entry )->sock != ports)
            return "a reservation in the list of another socket";
        ++*acquired;
    }
    if (!sock->state_slot || sock->state_slot > state_count) return "a socket that is not saved";
    state = &states[sock->state_slot - 1];
    if (state->type != STATE_SOCKET || state->sock != sock->id || (int)state->protocol != ports->protocol ||
        state->port != ports->port || state->holds != ports->holds || (int)state->associated != ports->associated || state->processor != ports->processor)
        return "a socket that is saved wrongly";
    return NULL;
}

static const char *check_processes( unsigned int runtime )
{
    const struct port_pool *pool = reservations_pool();
    const struct port_reservation *reservation;
    const struct process *process;
    unsigned int i, orphans = 0;

    for (process = processes; process; process = process->next)
    {
        const struct sock *sock = NULL;
        unsigned int sharing = 0;

        while ((sock = sock_table_next( sock ))) sharing += sock->sharer == process;
        if (process->refcount != process->client.reservations + process->sockets + process->connections + sharing)
            return "a process with a wrong reference count";
        runtime -= process->client.reservations;
    }
    if (!runtime) return NULL;
    /* those whose owner was gone when the server took them up belong to nobody */
    for (i = 0; i < POOL_HASH_SIZE; i++)
        for (reservation = pool->tokens[i]; reservation; reservation = reservation->hash_next)
            if (reservation->kind == RESERVATION_RUNTIME && !reservation->client) orphans++;
    return runtime == orphans ? NULL : "a process with a wrong number of reservations";
}

static const char *check_listed( int every_port, unsigned int *runtime, unsigned int *persistent, unsigned int *ports )
{
    const struct port_pool *pool = reservations_pool();
    const struct port_reservation *reservation;
    const struct sock *sock;
    unsigned int i, sockets = 0, acquired = 0, associated = 0, foreign = 0, sharing = 0;
    const char *ret;

    *runtime = *persistent = *ports = 0;
    for (i = 0; i < fake_sock_count; i++)
    {
        if (!(sock = sock_table_find( fake_socks[i].id )))
        {
            if (fake_socks[i].mapped) return "a socket that the pool has forgotten";
            continue;
        }
        sockets++;
        associated += sock->mapped;
        if (sock->foreign != (sock->mapped && !sock->made)) return "a socket with a wrong maker";
        foreign += sock->foreign;
        sharing += sock_shares( &sock->ports );
        if ((ret = check_sock( sock, &acquired ))) return ret;
    }
    if (sockets != sock_table_count()) return "a wrong number of sockets";
    if (associated != map_sock_count) return "a wrong number of associated sockets";
    if (foreign != map_foreign) return "a wrong number of sockets of others";
    if (sharing != map_sharing) return "a wrong number of sockets that share a port";
    for (i = 0; i < block_count; i++)
    {
        reservation = pool->owners[blocks[i].index][blocks[i].first];
        if (!reservation || reservation->first != blocks[i].first || reservation->count != blocks[i].count)
            return "a guarded block that is not a reservation";
        if ((ret = check_reservation( reservation, every_port ))) return ret;
        *ports += reservation->count;
        if (reservation->kind == RESERVATION_RUNTIME) ++*runtime;
        else ++*persistent;
    }
    if (acquired != *runtime) return "a reservation that is in no socket's list";
    return NULL;
}

static const char *check( int every_port )
{
    const struct port_pool *pool = reservations_pool();
    unsigned int runtime, persistent, ports;
    const char *ret;

    if (violation) return violation;
    if (opened_count) return "a handle that was not closed";
    if ((ret = check_listed( every_port, &runtime, &persistent, &ports ))) return ret;
    if (runtime != pool->runtime || persistent != pool->persistent) return "a wrong number of reservations";
    if (ports != guard_count) return "a wrong number of guards";
    if (ports != map_port_count) return "a wrong number of ports in the map";
    if (persistent != stored_count) return "a wrong number of stored blocks";
    if (states_used != pool->runtime + sock_table_count()) return "a wrong number of saved records";
    return check_processes( runtime );
}

const char *fakes_check(void)
{
    return check( 0 );
}

const char *fakes_check_all(void)
{
    static uint16_t holders[2][POOL_PORTS];
    const struct port_pool *pool = reservations_pool();
    const struct port_reservation *owner;
    const struct port_socket *holder;
    const struct sock *sock = NULL;
    unsigned int i, port;
    const char *ret;

    if ((ret = check( 1 ))) return ret;
    memset( holders, 0, sizeof(holders) );
    while ((sock = sock_table_next( sock )))
        if (sock->ports.port) holders[protocol_index( sock->ports.protocol )][sock->ports.port]++;
    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < POOL_PORTS; port++)
        {
            for (holder = pool->holders[i][port]; holder; holder = holder->port_next) holders[i][port]--;
            if (holders[i][port]) return "a wrong number of holders of a port";
            if (!(owner = pool->owners[i][port]))
            {
                if (guards[i][port] || map_ports[i][port]) return "a guarded or shown port that nobody reserved";
            }
            else if (port < owner->first || port >= owner->first + owner->count || protocol_index( owner->protocol ) != (int)i)
                return "a port given to a reservation that does not have it";
        }
    }
    return NULL;
}

/* a host without channels */
DECL_HANDLER(open_channel)
{
    (void)req; (void)reply;
    set_error( STATUS_NOT_SUPPORTED );
}
