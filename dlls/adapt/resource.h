/*
 * The resources of a program
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_ADAPT_RESOURCE_H
#define PORTRES_ADAPT_RESOURCE_H

#include "pe.h"

/* a type or a name: a number, or a text of 16-bit characters as the file has it */
struct resource_id
{
    unsigned int         number;
    const unsigned char *text;    /* NULL: it is a number */
    unsigned int         length;  /* of the text, in characters */
};

struct resource
{
    struct resource_id   type, name;
    uint32_t             language;
    const unsigned char *data;
    uint32_t             size, codepage;
};

struct resources
{
    struct resource *list;
    unsigned int     count, room;
    uint32_t         size;         /* of the data of all */
};

#define RESOURCE_VERSION 16

/* Add those of a file, whose data must stay. Returns an error as of pe.h. */
extern const char *resources_read( const struct pe *pe, struct resources *resources );

/* Add one; one of the same type, name and language must not be there. */
extern const char *resources_add( struct resources *resources, const struct resource *resource );
extern const struct resource *resources_find( const struct resources *resources, const struct resource *like );

/* Make the resource section that will be at an address of the image. The list is in another order afterwards. The caller frees *data. */
extern const char *resources_write( struct resources *resources, uint32_t rva, unsigned char **data, size_t *size );

extern void resources_free( struct resources *resources );

#endif /* PORTRES_ADAPT_RESOURCE_H */
