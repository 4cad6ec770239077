/*
 * A Windows program or DLL as a file
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_ADAPT_PE_H
#define PORTRES_ADAPT_PE_H

#include <stddef.h>
#include <stdint.h>

/* Offsets and names are those of Microsoft's "PE Format". Nothing of a file is believed. Errors are texts, NULL means success. */

struct pe
{
    unsigned char *data;
    size_t         size;
    size_t         header;       /* offset of the COFF file header */
    size_t         sections;     /* offset of the section table */
    size_t         directories;  /* offset of the data directories */
    unsigned int   section_count, directory_count;
};

#define PE_DIRECTORY_EXPORT   0
#define PE_DIRECTORY_RESOURCE 2

/* The data must stay, and is the caller's. */
extern const char *pe_open( struct pe *pe, unsigned char *data, size_t size );

/* Address and size of a data directory; 0, 0: there is none */
extern void pe_get_directory( const struct pe *pe, unsigned int index, uint32_t *rva, uint32_t *size );
extern const char *pe_set_directory( struct pe *pe, unsigned int index, uint32_t rva, uint32_t size );

/* The bytes at an address of the image; NULL: not all of them are in the file. */
extern const unsigned char *pe_get_bytes( const struct pe *pe, uint32_t rva, uint32_t size );

/* The same for a text that a 0 ends; NULL: it, or its end, is not in the file, or it is longer than any name. */
extern const char *pe_get_text( const struct pe *pe, uint32_t rva );

/* Is there code at an address? */
extern int pe_is_code( const struct pe *pe, uint32_t rva );

/* Where in the file the first section begins, and the headers end */
extern size_t pe_end_of_headers( const struct pe *pe );

/* Add a section of initialized, read-only data behind all that is there. It will be at pe_next_address(). The data of *pe is copied to a
 * larger memory, which the caller frees. */
extern uint32_t pe_next_address( const struct pe *pe );
extern const char *pe_add_section( struct pe *pe, const char *name, const unsigned char *data, size_t size );

/* Make the checksum of the optional header right. */
extern void pe_set_checksum( struct pe *pe );

static inline unsigned int get16( const unsigned char *bytes )
{
    return bytes[0] | bytes[1] << 8;
}

static inline uint32_t get32( const unsigned char *bytes )
{
    return get16( bytes ) | (uint32_t)get16( bytes + 2 ) << 16;
}

static inline void put16( unsigned char *bytes, unsigned int value )
{
    bytes[0] = value;
    bytes[1] = value >> 8;
}

static inline void put32( unsigned char *bytes, uint32_t value )
{
    put16( bytes, value );
    put16( bytes + 2, value >> 16 );
}

#endif /* PORTRES_ADAPT_PE_H */
