/*
 * The sockets that keep ports
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_SOCKETS_H
#define PORTRES_PORTGUARD_SOCKETS_H

#include "portguard.h"

/* Find out what this host can do; to be called first. */
extern void sockets_init(void);

/* What the PORTGUARD_* requests do. The caller has checked protocol and range. */
extern NTSTATUS sockets_guard( const struct portguard_request *req, uint32_t *busy, uint32_t *missing );
extern void sockets_release( const struct portguard_request *req );
extern void sockets_yield( const struct portguard_request *req );
extern void sockets_retake( const struct portguard_request *req );
extern void sockets_claim(void);
extern void sockets_forget(void);

/* Ports that should be guarded and are not. While there are some, sockets_retry() should be called every second. */
extern unsigned int sockets_missing(void);
extern void sockets_retry(void);

#endif /* PORTRES_PORTGUARD_SOCKETS_H */
