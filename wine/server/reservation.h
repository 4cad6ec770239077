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

#ifndef __WINE_SERVER_RESERVATION_H
#define __WINE_SERVER_RESERVATION_H

#include <sys/socket.h>

#include "object.h"

/* what a socket has to do with reservations; nearly all have nothing, and none of these */
struct sock_ports;

/* a socket, as sock.c tells of it */
struct port_user
{
    struct sock_ports **ports;     /* its own, to be allocated when there is need of it */
    struct object      *obj;
    int                 protocol;  /* IPPROTO_TCP, IPPROTO_UDP or 0 for other ones */
    int                 bound;     /* is it bound? */
};

extern void init_reservations(void);

/* ioctls on sockets and on other files of the device; sets the error */
extern int is_reservation_ioctl( ioctl_code_t code );
extern void reservation_ioctl( const struct port_user *user, ioctl_code_t code, struct async *async );

/* Bind the socket, when reservations have to say something of its port: port (host order) of addr, 0 for any. any: addr is every
 * address of IPv4 (1), or of both families (2). Returns FALSE when they have not; else the error is set, or the socket bound. */
extern int bind_reserved_port( const struct port_user *user, struct sockaddr *addr, socklen_t len, int any );
/* do sockets share the port of the address by processor? */
extern int is_shared_port( const struct port_user *user, const struct sockaddr *addr );
/* does it share its port by processor? */
extern int has_cpu_affinity( const struct sock_ports *ports );
/* has it to be bound with bind_reserved_port() before the system does it implicitly? */
extern int needs_bind( const struct sock_ports *ports );
/* let the bound socket listen beside the guard of its port, while on is set */
extern void yield_reserved_port( struct sock_ports *ports, int on );

/* the last handle of the socket is closed; its file is */
extern void close_sock_ports( struct sock_ports *ports );
extern void free_sock_ports( struct sock_ports *ports );

/* sock.c */

/* Bind to that address and no other; unshared: as if there were no SO_REUSEADDR. Returns the status, and doesn't set the error. */
extern unsigned int bind_sock_address( struct object *obj, struct sockaddr *addr, socklen_t len, int unshared );
extern int get_sock_unix_fd( struct object *obj );
extern int get_sock_reuse( struct object *obj );  /* Winsock's SO_REUSEADDR */

typedef int (*socket_callback)( struct process *process, const struct port_user *user, void *arg );

/* call back for each handle of a socket, until the callback returns something else than 0 */
extern void enum_sockets( socket_callback callback, void *arg );

/* registry.c: values of one key of the local machine, a path in ASCII */

typedef int (*registry_value_callback)( const WCHAR *name, data_size_t name_len, unsigned int type, const void *data,
                                        data_size_t len, void *arg );

extern int registry_enum_values( const char *path, registry_value_callback callback, void *arg );
extern unsigned int registry_set_value( const char *path, const char *name, unsigned int type, const void *data, data_size_t len );
extern unsigned int registry_delete_value( const char *path, const char *name );

/* reservation_store.c */

extern unsigned int open_reservation_store( void (*callback)( int protocol, unsigned int first, unsigned int count ) );
extern int is_reservation_store_writable(void);

#endif  /* __WINE_SERVER_RESERVATION_H */
