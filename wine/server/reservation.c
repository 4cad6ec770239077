/*
 * Port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ntstatus.h"
#define WIN32_NO_STATUS
#include "windef.h"
#include "winternl.h"
#include "winioctl.h"
#include "wine/afd_ports.h"

#include "file.h"
#include "handle.h"
#include "process.h"
#include "request.h"
#include "reservation.h"
#include "security.h"
#include "thread.h"

#include "ports/guard_sockets.h"
#include "ports/guard_tables.h"
#include "ports/ports.h"
#include "ports/store.h"

/* What port reservations mean stands in ports/; this file is its host, see ports/ports.h. */

#ifndef SO_INCOMING_CPU
# define SO_INCOMING_CPU 49
#endif

#define MAX_GUARDS 140000  /* the ports of both protocols, and some more */

/* A process that acquired a reservation, or shares a port by processor. It holds the process, and so its id: a socket that was
 * inherited outlives it. */
struct client
{
    struct port_client  core;
    struct list         entry;      /* in client_list */
    struct process     *process;
    unsigned int        refcount;
};

struct sock_ports
{
    struct port_socket  core;
    struct object      *obj;        /* the socket */
};

/* a bind that is being made */
struct bind
{
    struct port_bind    core;
    struct sockaddr    *addr;
    socklen_t           len;
};

static struct list client_list = LIST_INIT( client_list );
static struct port_pool *pool;
static unsigned int sock_count;
static unsigned int max_guards;
static struct timeout_user *guard_timeout;
static int guard_soon;  /* it is the short one */

static struct client *client_from_core( const struct port_client *core )
{
    return CONTAINING_RECORD( core, struct client, core );
}

static struct sock_ports *sock_from_core( const struct port_socket *core )
{
    return CONTAINING_RECORD( core, struct sock_ports, core );
}

static void set_port( struct sockaddr *addr, unsigned int port )
{
    if (addr->sa_family == AF_INET) ((struct sockaddr_in *)addr)->sin_port = htons( port );
    else ((struct sockaddr_in6 *)addr)->sin6_port = htons( port );
}

static unsigned int get_port( const struct sockaddr *addr )
{
    if (addr->sa_family == AF_INET) return ntohs( ((const struct sockaddr_in *)addr)->sin_port );
    return ntohs( ((const struct sockaddr_in6 *)addr)->sin6_port );
}

/* ---- processes ---- */

static struct client *grab_client( struct client *client )
{
    client->refcount++;
    return client;
}

static void release_client( struct client *client )
{
    if (--client->refcount) return;
    list_remove( &client->entry );
    release_object( client->process );
    free( client );
}

static struct client *get_client( struct process *process )
{
    struct client *client;

    LIST_FOR_EACH_ENTRY( client, &client_list, struct client, entry )
        if (client->process == process) return grab_client( client );

    if (!(client = mem_alloc( sizeof(*client) ))) return NULL;
    memset( client, 0, sizeof(*client) );
    client->process = (struct process *)grab_object( process );
    client->refcount = 1;
    list_add_tail( &client_list, &client->entry );
    return client;
}

void host_grab_client( struct port_client *client )
{
    grab_client( client_from_core( client ) );
}

void host_release_client( struct port_client *client )
{
    release_client( client_from_core( client ) );
}

/* the type of elevation doesn't tell: the token of every process may be a limited one, an administrator's included */
NTSTATUS host_check_elevated( const struct port_client *client )
{
    struct token *token = thread_get_impersonation_token( current );

    if (token && token_sid_present( token, &builtin_admins_sid, FALSE )) return STATUS_SUCCESS;
    return STATUS_ACCESS_DENIED;
}

NTSTATUS host_random( uint64_t *random )
{
    do
    {
        if (getrandom( random, sizeof(*random), 0 ) != sizeof(*random)) return STATUS_UNSUCCESSFUL;
    } while (!*random);
    return STATUS_SUCCESS;
}

/* ---- reservations ---- */

struct port_reservation *host_alloc_reservation(void)
{
    return mem_alloc( sizeof(struct port_reservation) );
}

void host_free_reservation( struct port_reservation *reservation )
{
    free( reservation );
}

/* nobody shows or saves them */
void host_reservation_added( struct port_reservation *reservation ) {}
void host_reservation_changed( struct port_reservation *reservation ) {}
void host_reservation_ended( struct port_reservation *reservation ) {}
void host_socket_changed( struct port_socket *sock ) {}

/* ---- guards ---- */

static void set_guard_timeout(void);

static void guard_timer( void *arg )
{
    guard_timeout = NULL;
    guards_retry();
    store_tick();
    set_guard_timeout();
}

/* Ports that could not be guarded may be free now, and the system may hand out other ones. A timeout that is soon enough runs on: this is
 * called more often than it ends. */
static void set_guard_timeout(void)
{
    int soon = guards_missing() != 0;

    if (guard_timeout && (guard_soon || !soon)) return;
    if (guard_timeout) remove_timeout_user( guard_timeout );
    guard_timeout = NULL;
    guard_soon = soon;
    if (soon || pool->persistent) guard_timeout = add_timeout_user( (soon ? 1 : 60) * -TICKS_PER_SEC, guard_timer, NULL );
}

static NTSTATUS guard_status( NTSTATUS status )
{
    return status == STATUS_TOO_MANY_OPENED_FILES ? STATUS_INSUFFICIENT_RESOURCES : status;
}

NTSTATUS host_guard( int kind, int protocol, unsigned int first, unsigned int count, int force, unsigned int *busy )
{
    unsigned int flags = (kind == RESERVATION_PERSISTENT ? GUARDS_PERSISTENT : 0) | (force ? GUARDS_FORCE : 0);
    NTSTATUS status = guards_take( protocol, first, count, flags, busy );

    set_guard_timeout();
    return guard_status( status );
}

void host_release_guard( int protocol, unsigned int first, unsigned int count )
{
    guards_release( protocol, first, count );
}

/* Has the port a guard that stays beside the sockets which are bound to it? That of a TCP port in a persistent reservation lets in
 * whoever asks by number; one of a UDP port that stepped aside could not be made again before the last socket is closed, and the system
 * may hand the port out in that moment. */
static int is_guarded( int protocol, unsigned int port )
{
    struct port_reservation *reservation = pool_find_port( pool, protocol, port );

    if (!reservation) return 0;
    return reservation->kind == RESERVATION_RUNTIME || (protocol == PROTOCOL_UDP && guards_has_socket( protocol, port ));
}

/* Such a guard steps aside for the moment of the bind. That of a UDP port has to do so together with the sockets that have the port,
 * see share_port(). */
NTSTATUS host_yield( int protocol, unsigned int port, int held )
{
    if (is_guarded( protocol, port ))
        return protocol == PROTOCOL_TCP ? guard_status( guards_yield( protocol, port, GUARDS_FORCE ) ) : STATUS_SUCCESS;
    return held ? STATUS_SUCCESS : guard_status( guards_yield( protocol, port, 0 ) );
}

void host_settle( int protocol, unsigned int port, int held )
{
    if (held && (protocol != PROTOCOL_TCP || !is_guarded( protocol, port ))) return;
    guards_retake( protocol, port );
    set_guard_timeout();
}

void host_get_busy_ports( int protocol, unsigned char busy[POOL_PORTS / 8] )
{
    tables_busy_ports( protocol, busy );
}

unsigned int host_first_ephemeral_port(void)
{
    static unsigned int first = 32768;
    static timeout_t read_time;
    FILE *file;

    if (current_time - read_time < TICKS_PER_SEC) return first;
    read_time = current_time;
    if ((file = fopen( "/proc/sys/net/ipv4/ip_local_port_range", "r" )))
    {
        if (fscanf( file, "%u", &first ) != 1) first = 32768;
        fclose( file );
    }
    return first;
}

/* ---- sockets ---- */

static struct sock_ports *get_sock_ports( const struct port_user *user )
{
    struct sock_ports *ports = *user->ports;

    if (!ports)
    {
        if (!(ports = mem_alloc( sizeof(*ports) ))) return NULL;
        memset( ports, 0, sizeof(*ports) );
        pool_init_socket( &ports->core, user->protocol );
        ports->obj = user->obj;
        *user->ports = ports;
        sock_count++;
    }
    return ports;
}

/* nothing came of it: the socket is one like all others */
static void put_sock_ports( const struct port_user *user )
{
    struct sock_ports *ports = *user->ports;

    if (!ports || !pool_socket_is_idle( &ports->core )) return;
    *user->ports = NULL;
    sock_count--;
    free( ports );
}

static void set_reuse( struct sock_ports *ports, int on )
{
    setsockopt( get_sock_unix_fd( ports->obj ), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) );
}

/* Let the guard, the socket that is to be bound, and those of its group that are, share the port for a moment: the system looks at the
 * option of each of them when it binds one, and at no other time. Sockets outside a group share it if all have set the option. */
static NTSTATUS share_port( struct sock_ports *ports, unsigned int port, int group, int on )
{
    int reuse = get_sock_reuse( ports->obj );
    struct port_socket *core;
    NTSTATUS status;

    for (core = pool->holders[protocol_index( PROTOCOL_UDP )][port]; core; core = core->port_next)
    {
        struct sock_ports *other = sock_from_core( core );

        if (other != ports) set_reuse( other, on ? group || (reuse && get_sock_reuse( other->obj )) : get_sock_reuse( other->obj ) );
    }
    set_reuse( ports, on || reuse );
    if (!(status = guards_share( PROTOCOL_UDP, port, on )) || !on) return STATUS_SUCCESS;
    share_port( ports, port, group, 0 );
    return guard_status( status );
}

NTSTATUS host_bind( const struct port_pool *ignored, struct port_socket *sock, struct port_bind *core, unsigned int port,
                    unsigned int flags )
{
    struct bind *bind = CONTAINING_RECORD( core, struct bind, core );
    struct sock_ports *ports = sock_from_core( sock );
    int share = sock->protocol == PROTOCOL_UDP && port && ((flags & BIND_GROUP) || is_guarded( PROTOCOL_UDP, port ));
    socklen_t len = bind->len;
    NTSTATUS status;

    set_port( bind->addr, port );
    if (share && (status = share_port( ports, port, flags & BIND_GROUP, 1 ))) return status;
    status = bind_sock_address( ports->obj, bind->addr, bind->len, flags & BIND_UNSHARED );
    if (share) share_port( ports, port, flags & BIND_GROUP, 0 );
    if (!status && !port)
    {
        if (getsockname( get_sock_unix_fd( ports->obj ), bind->addr, &len )) return STATUS_UNSUCCESSFUL;
        bind->core.port = get_port( bind->addr );
    }
    return status;
}

int bind_reserved_port( const struct port_user *user, struct sockaddr *addr, socklen_t len, int any )
{
    struct sock_ports *ports = *user->ports;
    struct bind bind = { { get_port( addr ), any }, addr, len };
    NTSTATUS status;

    if (!user->protocol) return 0;
    if (!ports && !pool_find_port( pool, user->protocol, bind.core.port )) return 0;
    if (!(ports = get_sock_ports( user ))) return 1;
    status = ports_bind( pool, &ports->core, &bind.core );
    /* without a reservation there is nothing that takes the port back from the guard of a group */
    if (status && ports->core.processor != NO_PROCESSOR && bind.core.port &&
        !pool_port_in_use( pool, PROTOCOL_UDP, bind.core.port ))
        guards_retake( PROTOCOL_UDP, bind.core.port );
    put_sock_ports( user );
    if (status == STATUS_NOT_FOUND) return 0;
    set_port( addr, bind.core.port );
    if (status) set_error( status );
    return 1;
}

int is_shared_port( const struct port_user *user, const struct sockaddr *addr )
{
    return user->protocol && ports_is_shared( pool, user->protocol, get_port( addr ) );
}

int has_cpu_affinity( const struct sock_ports *ports )
{
    return ports && ports->core.processor != NO_PROCESSOR;
}

int needs_bind( const struct sock_ports *ports )
{
    return ports && (ports->core.associated || has_cpu_affinity( ports ));
}

void yield_reserved_port( struct sock_ports *ports, int on )
{
    if (!ports || !ports->core.port || ports->core.protocol != PROTOCOL_TCP || !is_guarded( PROTOCOL_TCP, ports->core.port )) return;
    if (on) guards_yield( PROTOCOL_TCP, ports->core.port, GUARDS_FORCE );
    else guards_retake( PROTOCOL_TCP, ports->core.port );
}

void close_sock_ports( struct sock_ports *ports )
{
    ports_close( pool, &ports->core );
    set_guard_timeout();
}

void free_sock_ports( struct sock_ports *ports )
{
    unsigned int port = ports->core.port;

    ports_close( pool, &ports->core );  /* a socket without handles, that never had any */
    ports_free_port( pool, &ports->core );
    if (ports->core.processor != NO_PROCESSOR)
    {
        if (port && !pool_port_in_use( pool, PROTOCOL_UDP, port )) guards_retake( PROTOCOL_UDP, port );
        release_client( client_from_core( ports->core.client ) );
    }
    set_guard_timeout();
    sock_count--;
    free( ports );
}

/* ---- ioctls ---- */

static void acquire_ports( const struct port_user *user, struct client *client, struct async *async )
{
    const struct afd_port_range *range = get_req_data();
    struct port_reservation *reservation;
    struct afd_port_instance *instance;
    struct sock_ports *ports;
    NTSTATUS status = STATUS_NO_MEMORY;

    if (get_req_data_size() < sizeof(*range) || get_reply_max_size() < sizeof(*instance))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    /* nothing may fail any more when there is a reservation */
    if (!(instance = mem_alloc( sizeof(*instance) ))) return;
    if ((ports = get_sock_ports( user )))
    {
        status = ports_acquire( pool, &client->core, &ports->core, ntohs( range->first ), range->count, &reservation );
        put_sock_ports( user );
    }
    if (status)
    {
        free( instance );
        set_error( status );
        return;
    }
    memset( instance, 0, sizeof(*instance) );
    instance->first = htons( reservation->first );
    instance->count = reservation->count;
    instance->token = reservation->token;
    /* the packet of a completion port has to have the size, too */
    async_request_complete( async, STATUS_SUCCESS, sizeof(*instance), sizeof(*instance), instance );
    set_error( STATUS_PENDING );
}

static NTSTATUS get_token_param( uint64_t *token )
{
    if (get_req_data_size() < sizeof(*token)) return STATUS_INVALID_PARAMETER;
    memcpy( token, get_req_data(), sizeof(*token) );
    return STATUS_SUCCESS;
}

static NTSTATUS release_ports( struct client *client )
{
    struct port_reservation *reservation;
    uint64_t token;
    NTSTATUS status;

    if ((status = get_token_param( &token ))) return status;
    if ((status = ports_release( pool, &client->core, token, &reservation ))) return status;
    ports_end( pool, reservation );
    return STATUS_SUCCESS;
}

static NTSTATUS associate_ports( const struct port_user *user, struct client *client )
{
    struct sock_ports *ports;
    uint64_t token;
    NTSTATUS status;

    if ((status = get_token_param( &token ))) return status;
    if (!(ports = get_sock_ports( user ))) return STATUS_NO_MEMORY;
    status = ports_associate( pool, &client->core, &ports->core, user->bound, token );
    put_sock_ports( user );
    return status;
}

static NTSTATUS set_cpu_affinity( const struct port_user *user, struct client *client )
{
    struct sock_ports *ports;
    USHORT processor;
    NTSTATUS status;
    int value, had;

    if (get_req_data_size() < sizeof(processor)) return STATUS_INVALID_PARAMETER;
    memcpy( &processor, get_req_data(), sizeof(processor) );
    if (!(ports = get_sock_ports( user ))) return STATUS_NO_MEMORY;
    had = ports->core.processor != NO_PROCESSOR;
    if (had && ports->core.client != &client->core) status = STATUS_INVALID_PARAMETER;
    else status = ports_set_processor( &client->core, &ports->core, user->bound, get_sock_reuse( user->obj ), processor,
                                       sysconf( _SC_NPROCESSORS_CONF ) );
    if (!status)
    {
        value = processor;
        if (!had) grab_client( client );
        /* where that is not known, any socket of the group gets a datagram */
        setsockopt( get_sock_unix_fd( user->obj ), SOL_SOCKET, SO_INCOMING_CPU, &value, sizeof(value) );
    }
    put_sock_ports( user );
    return status;
}

static void persistent_ports( struct client *client, ioctl_code_t code )
{
    const struct afd_port_block *block = get_req_data();
    struct port_reservation *reservation;
    uint64_t *token = NULL;
    NTSTATUS status;

    if (get_req_data_size() < sizeof(*block) ||
        (code != IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS && get_reply_max_size() < sizeof(*token)))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    /* nothing may fail any more when there is a reservation */
    if (code != IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS && !(token = mem_alloc( sizeof(*token) ))) return;
    switch (code)
    {
    case IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS:
        if (!(status = ports_create( pool, &client->core, block->protocol, block->first, block->count, &reservation )))
            *token = reservation->token;
        break;
    case IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS:
        if (!(status = ports_delete( pool, &client->core, block->protocol, block->first, block->count, &reservation )))
            ports_end( pool, reservation );
        break;
    default:
        status = ports_lookup( pool, block->protocol, block->first, block->count, token );
        break;
    }
    if (status)
    {
        free( token );
        set_error( status );
    }
    else if (token) set_reply_data_ptr( token, sizeof(*token) );
    set_guard_timeout();
}

static void list_ports(void)
{
    const struct afd_port_block *block = get_req_data();
    struct afd_port_reservation *infos, *info;
    struct port_reservation *reservation;
    unsigned int from, count = 0, max = get_reply_max_size() / sizeof(*infos);

    if (get_req_data_size() < sizeof(*block) || !protocol_is_valid( block->protocol ))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    for (from = block->first; (reservation = pool_next( pool, block->protocol, from )); from = reservation->first + reservation->count)
        if (count++ == max) break;
    if (!(count = min( count, max )) || !(infos = set_reply_data_size( count * sizeof(*infos) ))) return;

    from = block->first;
    for (info = infos; info < infos + count; info++)
    {
        reservation = pool_next( pool, block->protocol, from );
        info->first = reservation->first;
        info->count = reservation->count;
        info->kind = reservation->kind == RESERVATION_RUNTIME ? AFD_PORTS_RUNTIME : AFD_PORTS_PERSISTENT;
        info->owner = reservation->client ? client_from_core( reservation->client )->process->id : 0;
        info->in_use = pool_ports_in_use( pool, reservation );
        from = reservation->first + reservation->count;
    }
}

/* a block whose ports are to be listed */
static const struct afd_port_block *get_listed_block(void)
{
    const struct afd_port_block *block = get_req_data();

    if (get_req_data_size() >= sizeof(*block) && protocol_is_valid( block->protocol ) && block_is_valid( block->first, block->count ))
        return block;
    set_error( STATUS_INVALID_PARAMETER );
    return NULL;
}

static void list_ports_in_use(void)
{
    const struct afd_port_block *block = get_listed_block();
    unsigned int port, last, count = 0, max = get_reply_max_size() / sizeof(USHORT);
    USHORT *list;

    if (!block) return;
    last = block->first + block->count - 1;
    for (port = block->first; port <= last; port++) count += pool_port_in_use( pool, block->protocol, port );
    if (!(count = min( count, max )) || !(list = set_reply_data_size( count * sizeof(*list) ))) return;
    for (port = block->first; count; port++)
    {
        if (!pool_port_in_use( pool, block->protocol, port )) continue;
        *list++ = port;
        count--;
    }
}

static void list_guards(void)
{
    const struct afd_port_block *block = get_listed_block();
    unsigned int port, last, count = 0, max = get_reply_max_size() / sizeof(struct afd_port_guard);
    struct afd_port_guard *guards;
    struct stat st;
    int fd;

    if (!block) return;
    last = block->first + block->count - 1;
    for (port = block->first; count < max && guards_next_fd( block->protocol, &port ) != -1 && port <= last; port++) count++;
    if (!count || !(guards = set_reply_data_size( count * sizeof(*guards) ))) return;
    for (port = block->first; count; port++, count--)
    {
        fd = guards_next_fd( block->protocol, &port );
        guards->port = port;
        guards->inode = fstat( fd, &st ) ? 0 : st.st_ino;
        guards++;
    }
}

struct socket_list
{
    int                     protocol;
    unsigned int            count, max;
    struct afd_port_socket *sockets;    /* NULL to count them */
};

static int list_socket( struct process *process, const struct port_user *user, void *arg )
{
    struct socket_list *list = arg;
    struct stat st;

    if (user->protocol != list->protocol) return 0;
    if (list->count == list->max) return 1;
    if (list->sockets)
    {
        list->sockets[list->count].inode = fstat( get_sock_unix_fd( user->obj ), &st ) ? 0 : st.st_ino;
        list->sockets[list->count].owner = process->id;
    }
    list->count++;
    return 0;
}

static void list_sockets(void)
{
    struct socket_list list = { 0, 0, get_reply_max_size() / sizeof(*list.sockets), NULL };

    if (get_req_data_size() >= sizeof(UINT)) list.protocol = *(const UINT *)get_req_data();
    if (!protocol_is_valid( list.protocol ))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    enum_sockets( list_socket, &list );
    if (!list.count || !(list.sockets = set_reply_data_size( list.count * sizeof(*list.sockets) ))) return;
    list.max = list.count;
    list.count = 0;
    enum_sockets( list_socket, &list );
}

static void get_ports_info(void)
{
    struct afd_ports_info info;

    if (get_reply_max_size() < sizeof(info))
    {
        set_error( STATUS_BUFFER_TOO_SMALL );
        return;
    }
    memset( &info, 0, sizeof(info) );
    info.version = 1;
    info.runtime = pool->runtime;
    info.persistent = pool->persistent;
    info.sockets = sock_count;
    info.guards = guards_count();
    info.max_guards = max_guards;
    info.missing = guards_missing();
    if (guards_exhausted()) info.flags |= AFD_PORTS_EXHAUSTED;
    if (!is_reservation_store_writable()) info.flags |= AFD_PORTS_NO_JOURNAL;
    set_reply_data( &info, sizeof(info) );
}

int is_reservation_ioctl( ioctl_code_t code )
{
    return code >= WINE_AFD_PORTS_IOC(AFD_PORTS_FIRST_IOC) && code <= WINE_AFD_PORTS_IOC(AFD_PORTS_LAST_IOC);
}

static void sock_reservation_ioctl( const struct port_user *user, struct client *client, ioctl_code_t code, struct async *async )
{
    NTSTATUS status;

    if (!user->protocol)
    {
        set_error( STATUS_NOT_SUPPORTED );
        return;
    }
    switch (code)
    {
    case IOCTL_AFD_WINE_ACQUIRE_PORTS:
        acquire_ports( user, client, async );
        return;
    case IOCTL_AFD_WINE_RELEASE_PORTS:
        status = release_ports( client );
        break;
    case IOCTL_AFD_WINE_ASSOCIATE_PORTS:
        status = associate_ports( user, client );
        break;
    case IOCTL_AFD_WINE_SET_CPU_AFFINITY:
        status = set_cpu_affinity( user, client );
        break;
    default:
        status = STATUS_NOT_SUPPORTED;
        break;
    }
    if (status) set_error( status );
}

void reservation_ioctl( const struct port_user *user, ioctl_code_t code, struct async *async )
{
    struct client *client;

    switch (code)
    {
    case IOCTL_AFD_WINE_LIST_PORTS:
        list_ports();
        return;
    case IOCTL_AFD_WINE_LIST_PORTS_IN_USE:
        list_ports_in_use();
        return;
    case IOCTL_AFD_WINE_LIST_GUARDS:
        list_guards();
        return;
    case IOCTL_AFD_WINE_LIST_SOCKETS:
        list_sockets();
        return;
    case IOCTL_AFD_WINE_GET_PORTS_INFO:
        get_ports_info();
        return;
    }
    if (!(client = get_client( current->process ))) return;
    switch (code)
    {
    case IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS:
    case IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS:
    case IOCTL_AFD_WINE_LOOKUP_PERSISTENT_PORTS:
        persistent_ports( client, code );
        break;
    default:
        sock_reservation_ioctl( user, client, code, async );
        break;
    }
    release_client( client );
}

/* ---- start ---- */

static void add_stored( int protocol, unsigned int first, unsigned int count )
{
    struct port_reservation *reservation;
    NTSTATUS status = ports_restore( pool, protocol, first, count, 0, NULL, NULL, &reservation );

    if (status)
        fprintf( stderr, "wineserver: could not reserve %s ports %u-%u (status %#x)\n",
                 protocol == PROTOCOL_TCP ? "TCP" : "UDP", first, first + count - 1, (unsigned int)status );
}

void init_reservations(void)
{
    struct rlimit limit;

    if (!(pool = pool_create())) fatal_error( "out of memory\n" );
    /* a guard is a file descriptor; a server that has none left serves nobody */
    max_guards = MAX_GUARDS;
    if (!getrlimit( RLIMIT_NOFILE, &limit ))
    {
        if (limit.rlim_cur < limit.rlim_max)
        {
            limit.rlim_cur = limit.rlim_max;
            setrlimit( RLIMIT_NOFILE, &limit );
            getrlimit( RLIMIT_NOFILE, &limit );
        }
        if (limit.rlim_cur / 2 < max_guards) max_guards = limit.rlim_cur / 2;
    }
    guards_init( max_guards, NULL );
    open_reservation_store( add_stored );
    set_guard_timeout();
    clear_error();
}
