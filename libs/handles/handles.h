/*
 * Every handle of every process
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_HANDLES_H
#define PORTRES_HANDLES_H

#include <windows.h>
#include <winternl.h>

/* Does the error say that the system has no more of something, and the answer might have been another? */
static inline BOOL is_shortage_error( DWORD error )
{
    return error == ERROR_NOT_ENOUGH_MEMORY || error == ERROR_OUTOFMEMORY || error == ERROR_NO_SYSTEM_RESOURCES ||
           error == ERROR_TOO_MANY_OPEN_FILES;
}

/* One of them. Process and duplicate are closed when the function returns. */
struct found_handle
{
    DWORD     pid;
    HANDLE    process;    /* with PROCESS_DUP_HANDLE */
    ULONG_PTR value;      /* there */
    HANDLE    duplicate;  /* here */
};

typedef BOOL (*handle_func)( void *context, const struct found_handle *handle );  /* FALSE: look no further */

/* Call the function for each handle of each process of the prefix, this one included. Processes that may not be opened are left out.
 *
 * SystemExtendedHandleInformation would say all at once, but wineserver 8.0 crashes when it is asked for while a process has no
 * handle: in an empty table it goes on past the end. A process that starts has none for some milliseconds.
 *
 * STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES: not all of them could be looked at. */
extern NTSTATUS enum_handles( handle_func func, void *context );

#endif /* PORTRES_HANDLES_H */
