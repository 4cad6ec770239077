/*
 * The port map: what every process of the prefix may read without asking the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTMAP_H
#define PORTRES_PORTMAP_H

#include <stdint.h>

#define PORT_MAP_NAME    L"Global\\wine-portres-map"
#define PORT_MAP_VERSION 2

/* Written by the server alone, each byte by itself, so a reader needs no lock. A reader that loses a race against the
 * server sees the state of a moment before; the server checks everything again when asked. */
struct port_map
{
    volatile uint32_t version;       /* PORT_MAP_VERSION, 0 while the server fills the map */
    volatile uint32_t reservations;  /* number of reservations of both kinds */
    volatile uint32_t associated;    /* number of sockets that are associated and not bound */
    volatile uint32_t foreign;       /* number of those that were not, as far as is known, associated by their maker and by its handle */
    volatile uint32_t sharing;       /* number of UDP sockets that share a port by processor, reserved or not */
    volatile uint8_t  ports[2][65536];     /* RESERVATION_* or 0; [0] is TCP, [1] is UDP */
    volatile uint8_t  sockets[65536];      /* not 0: an associated, unbound socket has an id that is equal modulo 65536 */
};

#endif /* PORTRES_PORTMAP_H */
