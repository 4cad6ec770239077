/*
 * Reading netsh's commands, line by line
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define END_OF_TEXT 0x1a  /* Ctrl-Z at the beginning of a line */

struct buffer
{
    char  *data;
    size_t size, max;
};

static void append( struct buffer *buffer, char c )
{
    if (buffer->size == buffer->max)
    {
        size_t max = buffer->max ? buffer->max * 2 : 256;
        char *data = realloc( buffer->data, max );

        if (!data)
        {
            fprintf( stderr, "netsh: out of memory\n" );
            exit( 1 );
        }
        buffer->data = data;
        buffer->max = max;
    }
    buffer->data[buffer->size++] = c;
}

/* Look at the first bytes. No more are read than the first line has, for somebody may be typing it. */
static void find_encoding( struct netsh_reader *reader, struct buffer *buffer )
{
    static const unsigned char marks[][4] = { { 0xff, 0xfe }, { 0xfe, 0xff }, { 0xef, 0xbb, 0xbf } };
    unsigned int i, size;
    int c;

    reader->started = 1;
    for (i = 0; i < 3; i++)
    {
        if ((c = getc( reader->file )) == EOF) return;
        append( buffer, c );
        if (c == '\n' || (i == 1 && !memcmp( buffer->data, marks[0], 2 )) || (i == 1 && !memcmp( buffer->data, marks[1], 2 ))) break;
        if (i == 1 && (!buffer->data[0] || !buffer->data[1])) break;
    }
    for (i = 0; i < 3; i++)
    {
        size = strlen( (const char *)marks[i] );
        if (buffer->size < size || memcmp( buffer->data, marks[i], size )) continue;
        reader->wide = i == 0 ? 1 : i == 1 ? -1 : 0;
        memmove( buffer->data, buffer->data + size, buffer->size - size );
        buffer->size -= size;
        return;
    }
    /* no text has a null but for UTF-16, whose letters of commands have one each */
    if (buffer->size > 1 && !buffer->data[1]) reader->wide = 1;
    else if (buffer->size > 1 && !buffer->data[0]) reader->wide = -1;
}

static int ends_line( const struct netsh_reader *reader, const struct buffer *buffer )
{
    const char *end = buffer->data + buffer->size;

    if (!reader->wide) return buffer->size && end[-1] == '\n';
    if (!buffer->size || buffer->size % 2) return 0;
    return reader->wide > 0 ? end[-2] == '\n' && !end[-1] : !end[-2] && end[-1] == '\n';
}

static char *to_utf8( const WCHAR *text, int len )
{
    int size = WideCharToMultiByte( CP_UTF8, 0, text, len, NULL, 0, NULL, NULL );
    char *ret = malloc( size + 1 );

    if (ret)
    {
        WideCharToMultiByte( CP_UTF8, 0, text, len, ret, size, NULL, NULL );
        ret[size] = 0;
    }
    return ret;
}

static char *convert( const struct netsh_reader *reader, const struct buffer *buffer )
{
    int i, len = reader->wide ? buffer->size / 2 : buffer->size;
    WCHAR *wide;
    UINT code_page = CP_UTF8;
    char *ret;

    if (!len) return calloc( 1, 1 );
    if (!(wide = malloc( len * sizeof(WCHAR) ))) return NULL;
    if (reader->wide)
    {
        for (i = 0; i < len; i++)
        {
            unsigned char low = buffer->data[2 * i + (reader->wide < 0)], high = buffer->data[2 * i + (reader->wide > 0)];
            wide[i] = low | high << 8;
        }
    }
    else
    {
        if (!MultiByteToWideChar( code_page, MB_ERR_INVALID_CHARS, buffer->data, len, NULL, 0 )) code_page = CP_ACP;
        len = MultiByteToWideChar( code_page, 0, buffer->data, len, wide, len );
    }
    for (i = 0; i < len; i++) if (!wide[i]) wide[i] = ' ';
    ret = to_utf8( wide, len );
    free( wide );
    return ret;
}

char *netsh_read_line( struct netsh_reader *reader )
{
    struct buffer buffer = { NULL, 0, 0 };
    char *ret = NULL;
    int c = 0;

    if (!reader->started) find_encoding( reader, &buffer );
    while (!ends_line( reader, &buffer ) && (c = getc( reader->file )) != EOF) append( &buffer, c );
    if (buffer.size && buffer.data[0] != END_OF_TEXT)
    {
        if (!(ret = convert( reader, &buffer ))) fprintf( stderr, "netsh: out of memory\n" );
    }
    free( buffer.data );
    return ret;
}
