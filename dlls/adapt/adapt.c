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
#include <string.h>

#include "adapt.h"
#include "exports.h"
#include "resource.h"

#define SECTION_ALIGNMENT 16  /* of what stands in ours */

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

/* The section with the exports, if there are any, and the resources behind them. Sets where the resources are in it. */
static const char *make_section( const struct pe *pe, const struct exports_table *exports, struct resources *resources,
                                 unsigned char **section, size_t *size, uint32_t *start )
{
    unsigned char *data;
    const char *error;

    *start = (exports->size + SECTION_ALIGNMENT - 1) & ~(size_t)(SECTION_ALIGNMENT - 1);
    if ((error = resources_write( resources, pe_next_address( pe ) + *start, &data, size ))) return error;
    if ((*section = calloc( 1, *start + *size )))
    {
        if (exports->size) memcpy( *section, exports->data, exports->size );
        memcpy( *section + *start, data, *size );
        *size += *start;
    }
    free( data );
    return *section ? NULL : "there is not enough memory";
}

static const char *set_directories( struct pe *pe, const struct exports_table *exports, uint32_t rva, uint32_t start, uint32_t size )
{
    const char *error;

    if ((error = pe_set_directory( pe, PE_DIRECTORY_RESOURCE, rva + start, size - start ))) return error;
    if (!exports->data) return NULL;
    if ((error = pe_set_directory( pe, PE_DIRECTORY_EXPORT, rva, exports->size ))) return error;
    exports_put_mark( pe, exports );
    return NULL;
}

const char *adapt( unsigned char *ours, size_t our_size, unsigned char *wine, size_t wine_size, unsigned char **data, size_t *size,
                   int *of_wine )
{
    struct resources resources = { 0 };
    struct exports_table exports = { 0 };
    unsigned char *section = NULL;
    struct pe pe, wine_pe;
    size_t section_size;
    uint32_t rva, start;
    const char *error;

    *of_wine = 1;
    if ((error = pe_open( &wine_pe, wine, wine_size ))) return error;
    *of_wine = 0;
    if ((error = pe_open( &pe, ours, our_size ))) return error;
    rva = pe_next_address( &pe );
    if (!(error = exports_make( &pe, &wine_pe, rva, &exports, of_wine )) &&
        !(error = merge_resources( &pe, &wine_pe, &resources, of_wine )) &&
        !(error = make_section( &pe, &exports, &resources, &section, &section_size, &start )) &&
        !(error = pe_add_section( &pe, ".wine", section, section_size )))
    {
        if ((error = set_directories( &pe, &exports, rva, start, section_size ))) free( pe.data );
        else
        {
            pe_set_checksum( &pe );
            *data = pe.data;
            *size = pe.size;
        }
    }
    free( section );
    free( exports.data );
    resources_free( &resources );
    return error;
}

int adapted_from( unsigned char *ours, size_t our_size, unsigned char *adapted, size_t size )
{
    struct exports_table exports;
    struct pe pe, adapted_pe;
    size_t start, end;

    if (pe_open( &pe, ours, our_size ) || pe_open( &adapted_pe, adapted, size )) return 0;
    /* all that stands behind the headers is the same, but for what is filled in at the mark */
    start = pe_end_of_headers( &pe );
    if (size < our_size || pe_end_of_headers( &adapted_pe ) != start) return 0;
    exports_find_mark( &pe, &exports );
    if (!exports.mark) return !memcmp( ours + start, adapted + start, our_size - start );
    end = exports.mark + EXPORTS_MARK_SIZE + EXPORTS_MARK_FIXED;
    return !memcmp( ours + start, adapted + start, end - start ) &&
           !memcmp( ours + end + EXPORTS_MARK_FILLED, adapted + end + EXPORTS_MARK_FILLED, our_size - end - EXPORTS_MARK_FILLED );
}
