/*
 * Small DLLs to be adapted, for tests and fuzzers
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_MAKE_DLL_H
#define PORTRES_TESTS_MAKE_DLL_H

#include "../../dlls/adapt/exports.h"
#include "../../dlls/adapt/resource.h"

/* where such a file has what */
#define DLL_HEADERS   0x400
#define DLL_OPTIONAL  0x98
#define DLL_CODE      0x1000   /* address of the first section, which stands behind the headers */
#define DLL_CODE_SIZE 0x200
#define DLL_RESOURCES 0x2000   /* address of the second one, the resources if there are any; that of exports comes last */

struct dll_export
{
    const char *name;      /* NULL: it has a number alone */
    const char *forward;   /* NULL: it is code */
};

struct dll
{
    int                      pe32;
    struct resources        *resources;  /* NULL: none */
    const struct dll_export *exports;    /* from number 1 on; NULL: none */
    unsigned int             export_count;
    const char              *own;        /* a DLL of ours: names of functions of its own, each with its 0, and an empty one */
    unsigned int             spares;     /* its spare thunks */
};

/* The caller frees it. */
extern unsigned char *make_dll( const struct dll *dll, unsigned int headers, size_t *size );

/* offset in the file of one of its sections' headers */
static inline size_t dll_section( int pe32, unsigned int index )
{
    return DLL_OPTIONAL + (pe32 ? 96 : 112) + 16 * 8 + 40 * (size_t)index;
}

#endif /* PORTRES_TESTS_MAKE_DLL_H */
