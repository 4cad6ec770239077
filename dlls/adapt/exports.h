/*
 * The exports of a DLL
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_ADAPT_EXPORTS_H
#define PORTRES_ADAPT_EXPORTS_H

#include "pe.h"

struct exported_name
{
    const char  *name;
    unsigned int index;    /* of the function */
};

struct exports
{
    const char           *dll;              /* as it calls itself */
    uint32_t              time;
    uint32_t              base;             /* number of the first function */
    uint32_t             *functions;        /* addresses, 0: the number is not used */
    unsigned int          function_count;
    struct exported_name *names;            /* in the order of strcmp() */
    unsigned int          name_count;
    uint32_t              start, size;      /* a function in there is none: that is where the text of a forward stands */
};

/* Read the exports of a file, whose data must stay. No exports are no error. The caller frees them, also after an error. */
extern const char *exports_read( const struct pe *pe, struct exports *exports );
extern void exports_free( struct exports *exports );

/* A DLL of ours has this once, and behind it three 32-bit numbers: the addresses of its spare thunks and of the names of the functions that
 * are its own (an empty one ends them), and how many spare thunks there are. Two follow that are filled in: address and number of the functions
 * of Wine for which the spare thunks are, in order: the address of the name, or EXPORTS_BY_NUMBER and the number; and that of
 * the entry in the table of functions. dlls/common/overlay.h has the other side. */
#define EXPORTS_MARK        "wine-portres: the exports"
#define EXPORTS_MARK_SIZE   32
#define EXPORTS_MARK_FIXED  12
#define EXPORTS_MARK_FILLED 8
#define EXPORTS_SPARE_SIZE  16
#define EXPORTS_BY_NUMBER   0x80000000u

struct exports_table
{
    unsigned char *data;          /* NULL: our file has no mark */
    size_t         size, mark;
    uint32_t       list, count;   /* to be filled in */
};

/* Set table->mark to the offset of the mark in the file, 0 where there is none. */
extern void exports_find_mark( const struct pe *pe, struct exports_table *table );

/* Make the table of exports of our DLL that stands before Wine's, which will be at an address of the image: Wine's names, numbers and
 * forwards, and behind them those of our own functions that Wine lacks. The caller frees table->data. */
extern const char *exports_make( const struct pe *ours, const struct pe *wine, uint32_t rva, struct exports_table *table, int *of_wine );

/* Fill in what stands at the mark. */
extern void exports_put_mark( const struct pe *pe, const struct exports_table *table );

#endif /* PORTRES_ADAPT_EXPORTS_H */
