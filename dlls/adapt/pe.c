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

#include <stdlib.h>
#include <string.h>

#include "pe.h"

#define FILE_HEADER_SIZE    20
#define SECTION_HEADER_SIZE 40

/* of the file header */
#define NUMBER_OF_SECTIONS      2
#define SIZE_OF_OPTIONAL_HEADER 16

/* of the optional header, the same in both kinds */
#define SIZE_OF_INITIALIZED_DATA 8
#define SECTION_ALIGNMENT        32
#define FILE_ALIGNMENT           36
#define SIZE_OF_IMAGE            56
#define SIZE_OF_HEADERS          60
#define CHECK_SUM                64

/* of a section header */
#define VIRTUAL_SIZE        8
#define VIRTUAL_ADDRESS     12
#define SIZE_OF_RAW_DATA    16
#define POINTER_TO_RAW_DATA 20
#define CHARACTERISTICS     36

#define INITIALIZED_DATA_READ 0x40000040
#define EXECUTABLE            0x20000020
#define MAX_IMAGE             0x40000000  /* more than any file that is meant, and two of them are a 32-bit number */
#define MAX_SECTIONS          96          /* Windows loads no more */
#define MAX_TEXT              4096        /* names of functions are shorter */

static unsigned char *optional_header( const struct pe *pe )
{
    return pe->data + pe->header + FILE_HEADER_SIZE;
}

static unsigned char *section_header( const struct pe *pe, unsigned int index )
{
    return pe->data + pe->sections + (size_t)index * SECTION_HEADER_SIZE;
}

static int is_power_of_two( uint32_t value )
{
    return value && !(value & (value - 1));
}

static uint32_t align( uint32_t value, uint32_t alignment )
{
    return (value + alignment - 1) & ~(alignment - 1);
}

/* Where a section ends in the image. Some linkers leave out the size in memory. */
static uint64_t section_end( const unsigned char *section )
{
    uint32_t size = get32( section + VIRTUAL_SIZE ), raw_size = get32( section + SIZE_OF_RAW_DATA );

    return (uint64_t)get32( section + VIRTUAL_ADDRESS ) + (size > raw_size ? size : raw_size);
}

const char *pe_open( struct pe *pe, unsigned char *data, size_t size )
{
    size_t optional, optional_size, count_offset;
    unsigned int magic, i;

    memset( pe, 0, sizeof(*pe) );
    pe->data = data;
    pe->size = size;
    if (size < 64 || size > MAX_IMAGE || memcmp( data, "MZ", 2 )) return "it is no program";
    pe->header = get32( data + 60 );
    if (pe->header > size - 64 || memcmp( data + pe->header, "PE\0\0", 4 )) return "it is no Windows program";
    pe->header += 4;
    optional = pe->header + FILE_HEADER_SIZE;
    optional_size = get16( data + pe->header + SIZE_OF_OPTIONAL_HEADER );
    if (optional_size < 112 || optional_size > size - optional) return "its header is not whole";
    magic = get16( data + optional );
    if (magic == 0x10b) count_offset = 92;
    else if (magic == 0x20b) count_offset = 108;
    else return "it has an unknown kind of header";
    pe->directories = optional + count_offset + 4;
    pe->directory_count = get32( data + optional + count_offset );
    if (pe->directory_count > (optional + optional_size - pe->directories) / 8) return "its header is not whole";
    if (get32( data + optional + SIZE_OF_HEADERS ) > size) return "it is not whole";
    pe->sections = optional + optional_size;
    pe->section_count = get16( data + pe->header + NUMBER_OF_SECTIONS );
    if (pe->section_count > MAX_SECTIONS) return "it has too many sections";
    if (pe->section_count > (size - pe->sections) / SECTION_HEADER_SIZE) return "its section table is not whole";
    if (!is_power_of_two( get32( data + optional + SECTION_ALIGNMENT ) ) || !is_power_of_two( get32( data + optional + FILE_ALIGNMENT ) ) ||
        get32( data + optional + SECTION_ALIGNMENT ) > MAX_IMAGE || get32( data + optional + FILE_ALIGNMENT ) > MAX_IMAGE ||
        get32( data + optional + SIZE_OF_IMAGE ) > MAX_IMAGE) return "its header makes no sense";
    for (i = 0; i < pe->section_count; i++)
    {
        const unsigned char *section = section_header( pe, i );

        if (section_end( section ) > MAX_IMAGE) return "its sections make no sense";
        if ((uint64_t)get32( section + POINTER_TO_RAW_DATA ) + get32( section + SIZE_OF_RAW_DATA ) > size) return "it is not whole";
    }
    return NULL;
}

void pe_get_directory( const struct pe *pe, unsigned int index, uint32_t *rva, uint32_t *size )
{
    *rva = *size = 0;
    if (index >= pe->directory_count) return;
    *rva = get32( pe->data + pe->directories + 8 * (size_t)index );
    *size = get32( pe->data + pe->directories + 8 * (size_t)index + 4 );
}

const char *pe_set_directory( struct pe *pe, unsigned int index, uint32_t rva, uint32_t size )
{
    if (index >= pe->directory_count) return "it has no such data directory";
    put32( pe->data + pe->directories + 8 * (size_t)index, rva );
    put32( pe->data + pe->directories + 8 * (size_t)index + 4, size );
    return NULL;
}

/* The bytes at an address, at least so many, and how many of them the file has; NULL: not all of them */
static const unsigned char *find_bytes( const struct pe *pe, uint32_t rva, uint32_t size, uint32_t *room )
{
    unsigned int i;

    for (i = 0; i < pe->section_count; i++)
    {
        const unsigned char *section = section_header( pe, i );
        uint32_t start = get32( section + VIRTUAL_ADDRESS ), raw_size = get32( section + SIZE_OF_RAW_DATA );
        size_t raw = get32( section + POINTER_TO_RAW_DATA );

        if (rva < start || rva - start >= raw_size || size > raw_size - (rva - start)) continue;
        *room = raw_size - (rva - start);
        return pe->data + raw + (rva - start);
    }
    return NULL;
}

const unsigned char *pe_get_bytes( const struct pe *pe, uint32_t rva, uint32_t size )
{
    uint32_t room;

    return find_bytes( pe, rva, size, &room );
}

const char *pe_get_text( const struct pe *pe, uint32_t rva )
{
    uint32_t room;
    const unsigned char *bytes = find_bytes( pe, rva, 1, &room );

    return bytes && memchr( bytes, 0, room < MAX_TEXT ? room : MAX_TEXT ) ? (const char *)bytes : NULL;
}

int pe_is_code( const struct pe *pe, uint32_t rva )
{
    unsigned int i;

    for (i = 0; i < pe->section_count; i++)
    {
        const unsigned char *section = section_header( pe, i );
        uint32_t start = get32( section + VIRTUAL_ADDRESS );

        if (rva >= start && rva - start < get32( section + VIRTUAL_SIZE ) && get32( section + CHARACTERISTICS ) & EXECUTABLE) return 1;
    }
    return 0;
}

/* behind each section, whatever the header says of the image's size */
uint32_t pe_next_address( const struct pe *pe )
{
    const unsigned char *optional = optional_header( pe );
    uint32_t end = get32( optional + SIZE_OF_IMAGE );
    unsigned int i;

    for (i = 0; i < pe->section_count; i++)
        if (section_end( section_header( pe, i ) ) > end) end = section_end( section_header( pe, i ) );
    return align( end, get32( optional + SECTION_ALIGNMENT ) );
}

/* the headers end where the first section begins, whatever they say */
size_t pe_end_of_headers( const struct pe *pe )
{
    size_t end = get32( optional_header( pe ) + SIZE_OF_HEADERS );
    unsigned int i;

    for (i = 0; i < pe->section_count; i++)
    {
        const unsigned char *section = section_header( pe, i );
        size_t raw = get32( section + POINTER_TO_RAW_DATA );

        if (get32( section + SIZE_OF_RAW_DATA ) && raw < end) end = raw;
    }
    return end < pe->size ? end : pe->size;
}

const char *pe_add_section( struct pe *pe, const char *name, const unsigned char *data, size_t size )
{
    uint32_t file_alignment = get32( optional_header( pe ) + FILE_ALIGNMENT ), rva = pe_next_address( pe );
    uint32_t section_alignment = get32( optional_header( pe ) + SECTION_ALIGNMENT ), raw, raw_size;
    unsigned char *copy, *section, *optional;

    if (size > MAX_IMAGE || file_alignment > 0x10000) return "it would be too large";
    if (pe->section_count == MAX_SECTIONS) return "it has too many sections";
    if (pe->sections + (pe->section_count + (size_t)1) * SECTION_HEADER_SIZE > pe_end_of_headers( pe )) return "its headers have no room for another section";
    raw = align( pe->size, file_alignment );
    raw_size = align( size, file_alignment );
    /* all of these are below 2 * MAX_IMAGE */
    if (raw + raw_size > MAX_IMAGE || align( rva + raw_size, section_alignment ) > MAX_IMAGE) return "it would be too large";
    if (!(copy = calloc( 1, (size_t)raw + raw_size ))) return "there is not enough memory";
    memcpy( copy, pe->data, pe->size );
    memcpy( copy + raw, data, size );
    pe->data = copy;
    pe->size = (size_t)raw + raw_size;

    section = section_header( pe, pe->section_count++ );
    memset( section, 0, SECTION_HEADER_SIZE );
    memcpy( section, name, strnlen( name, 8 ) );
    put32( section + VIRTUAL_SIZE, size );
    put32( section + VIRTUAL_ADDRESS, rva );
    put32( section + SIZE_OF_RAW_DATA, raw_size );
    put32( section + POINTER_TO_RAW_DATA, raw );
    put32( section + CHARACTERISTICS, INITIALIZED_DATA_READ );
    put16( pe->data + pe->header + NUMBER_OF_SECTIONS, pe->section_count );
    optional = optional_header( pe );
    put32( optional + SIZE_OF_INITIALIZED_DATA, get32( optional + SIZE_OF_INITIALIZED_DATA ) + raw_size );
    put32( optional + SIZE_OF_IMAGE, align( rva + size, section_alignment ) );
    return NULL;
}

/* the sum of all words of the file but its own, with the carries, and the size of the file */
void pe_set_checksum( struct pe *pe )
{
    unsigned char *place = optional_header( pe ) + CHECK_SUM;
    uint32_t sum = 0;
    size_t i;

    put32( place, 0 );
    for (i = 0; i < pe->size; i += 2)
    {
        sum += i + 1 < pe->size ? get16( pe->data + i ) : pe->data[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    put32( place, sum + (uint32_t)pe->size );
}
