/*
 * NTSTATUS codes and numbers that the core, its hosts, the DLLs and the native tests share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTS_STATUS_H
#define PORTRES_PORTS_STATUS_H

#include <stdarg.h>  /* Wine's headers want it */
#include <stdint.h>

#ifdef _WIN32
# define WIN32_NO_STATUS
# include <windef.h>
# include <winternl.h>
# undef WIN32_NO_STATUS
# include <ntstatus.h>
#elif defined(__WINESRC__)  /* in wineserver */
# include "ntstatus.h"
# define WIN32_NO_STATUS
# include "windef.h"
# include "winternl.h"
#else

/* the values are those of MS-ERREF section 2.3.1 */
typedef int32_t NTSTATUS;

# define STATUS_SUCCESS                ((NTSTATUS)0x00000000)
# define STATUS_UNSUCCESSFUL           ((NTSTATUS)0xc0000001)
# define STATUS_NOT_IMPLEMENTED        ((NTSTATUS)0xc0000002)
# define STATUS_INFO_LENGTH_MISMATCH   ((NTSTATUS)0xc0000004)
# define STATUS_INVALID_HANDLE         ((NTSTATUS)0xc0000008)
# define STATUS_INVALID_PARAMETER      ((NTSTATUS)0xc000000d)
# define STATUS_NO_MEMORY              ((NTSTATUS)0xc0000017)
# define STATUS_ACCESS_DENIED          ((NTSTATUS)0xc0000022)
# define STATUS_OBJECT_TYPE_MISMATCH   ((NTSTATUS)0xc0000024)
# define STATUS_DISK_FULL              ((NTSTATUS)0xc000007f)
# define STATUS_MEDIA_WRITE_PROTECTED  ((NTSTATUS)0xc00000a2)
# define STATUS_SHARING_VIOLATION      ((NTSTATUS)0xc0000043)
# define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xc000009a)
# define STATUS_REVISION_MISMATCH      ((NTSTATUS)0xc0000059)
# define STATUS_NOT_SUPPORTED          ((NTSTATUS)0xc00000bb)
# define STATUS_TOO_MANY_OPENED_FILES  ((NTSTATUS)0xc000011f)
# define STATUS_INVALID_ADDRESS_COMPONENT ((NTSTATUS)0xc0000207)
# define STATUS_NOT_FOUND              ((NTSTATUS)0xc0000225)
# define STATUS_HOST_UNREACHABLE       ((NTSTATUS)0xc000023d)

#endif

/* also sent by native code; <winsock2.h> has them as an enumeration, with the same values */
#ifndef PROTOCOL_TCP
# define PROTOCOL_TCP 6
# define PROTOCOL_UDP 17
#endif

/* how a reservation came to be */
#define RESERVATION_RUNTIME    1  /* lives as long as the socket it was acquired on */
#define RESERVATION_PERSISTENT 2  /* lives in the store */

#endif /* PORTRES_PORTS_STATUS_H */
