/*
 * Make a DLL that stands before one of Wine's look like that one
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>

#include "adapt.h"
#include "resource.h"

/* Wine's resources, and ours of types that are no version */
static const char *merge_resources( const struct pe *ours, const struct pe *wine, struct resources *merged, int *of_wine )
{
    struct resources own = { 0 };
    const char *error;
    unsigned int i;

    *of_wine = 1;
    if ((error = resources_read( wine, merged ))) return error;
    *of_wine = 0;
    error = resources_read( ours, &own );
    for (i = 0; i < own.count && !error; i++)
    {
        if (!own.list[i].type.text && own.list[i].type.number == RESOURCE_VERSION) continue;
        if (!resources_find( merged, &own.list[i] )) error = resources_add( merged, &own.list[i] );
    }
    resources_free( &own );
    return error;
}

const char *adapt( unsigned char *ours, size_t our_size, unsigned char *wine, size_t wine_size, unsigned char **data, size_t *size,
                   int *of_wine )
{
    struct resources resources = { 0 };
    unsigned char *section = NULL;
    struct pe pe, wine_pe;
    size_t section_size;
    const char *error;
    uint32_t rva;

    *of_wine = 1;
    if ((error = pe_open( &wine_pe, wine, wine_size ))) return error;
    *of_wine = 0;
    if ((error = pe_open( &pe, ours, our_size ))) return error;
    rva = pe_next_address( &pe );
    if (!(error = merge_resources( &pe, &wine_pe, &resources, of_wine )) &&
        !(error = resources_write( &resources, rva, &section, &section_size )) &&
        !(error = pe_add_section( &pe, ".wine", section, section_size )))
    {
        if ((error = pe_set_directory( &pe, PE_DIRECTORY_RESOURCE, rva, section_size ))) free( pe.data );
        else
        {
            pe_set_checksum( &pe );
            *data = pe.data;
            *size = pe.size;
        }
    }
    free( section );
    resources_free( &resources );
    return error;
}
