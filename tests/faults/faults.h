/*
 * What the driver of the fault tests and the server with faults share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_FAULTS_H
#define PORTRES_FAULTS_H

#include <windows.h>

/* portserver_faults.exe is portserver.exe, object for object, with its imports led through tests/faults/inject. The driver makes
 * this section before it starts the server, and says there which call is to fail. */

#define FAULTS_NAME   L"Global\\wine-portres-faults"
#define FAULTS_SERVER L"portserver_faults.exe"

#define MAX_FAULT_CALLS 32768

/* one call that can fail */
struct fault_call
{
    ULONG  site;      /* return address, from the start of the program's image */
    USHORT function;  /* index of faults->names */
    USHORT step;      /* faults->step at that time */
    USHORT kinds;     /* ways it can fail */
    USHORT nth;       /* among the calls from that site in that step, from 1; filled in by the driver */
};

struct faults
{
    /* set by the driver */
    volatile LONG armed;      /* count calls */
    volatile LONG fail_at;    /* of the calls from the place below, the one that fails, counted from 1; 0: none */
    struct fault_call fail;   /* site and step */
    volatile LONG function;   /* or: all calls of this function fail; -1: none */
    volatile LONG kind;       /* how it fails, 0 to kinds - 1 */
    volatile LONG step;       /* what the driver is at */
    /* set by the server */
    volatile LONG calls;      /* since armed */
    volatile LONG seen;       /* of them, from that place */
    volatile LONG fired;      /* calls that failed */
    volatile LONG blocks;     /* of memory allocated and not freed */
    volatile LONG checks;     /* times that the pool was looked at after a fault */
    char          violation[200];  /* what was wrong with it */
    LONG          function_count;
    char          names[128][32];
    struct fault_call call[MAX_FAULT_CALLS];
};

#endif /* PORTRES_FAULTS_H */
