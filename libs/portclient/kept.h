/*
 * Handles that stay open between calls
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_KEPT_H
#define PORTRES_KEPT_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Programs close handles that they do not know, as sandboxes do. A kept handle is protected from that; but a program may take the protection
 * off, close all that it finds, and use the numbers for files of its own. So each kept handle belongs to a canary, a handle that is made
 * before it and can be told from any other. Once the canary is gone, so are they all, and nothing is done with their numbers again. */

/* The number of the canary that lives now, another one when the last is gone; 0 when none can be made. Costs a request to wineserver. */
extern ULONG kept_canary(void);

/* A handle, and the canary that it was made under. A static one is 0 at first, and shared by all threads. */
typedef LONG64 kept_handle;

extern HANDLE kept_get( const kept_handle *kept );                  /* NULL: there is none, or it is gone; asks kept_canary() */
extern HANDLE kept_put( kept_handle *kept, HANDLE handle, ULONG canary );  /* protect it and keep it, unless another thread was first;
                                                                     * returns the handle that is kept */
extern void kept_close( kept_handle *kept );

/* The same for a handle that lives in a structure of one thread. */
extern void protect_handle( HANDLE handle );
extern void close_protected( HANDLE handle, ULONG canary );

/* The auto-reset event that is to be kept; NULL: out of handles. */
extern HANDLE kept_event( kept_handle *kept );

/* The DLL is being unloaded: nothing is kept any more. */
extern void kept_unload(void);

#endif /* PORTRES_KEPT_H */
