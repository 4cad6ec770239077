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

#ifndef PORTRES_ADAPT_ADAPT_H
#define PORTRES_ADAPT_ADAPT_H

#include "pe.h"

/* Give our DLL what programs look at in Wine's: its resources, its version among them (what we have of another type stays), and names,
 * numbers and forwards of its exports, where ours is a DLL that tools/make_spec had a hand in. On success
 * *data is the file to write, which the caller frees. Returns what is wrong, with *of_wine set when it is about Wine's file, or NULL. */
extern const char *adapt( unsigned char *ours, size_t our_size, unsigned char *wine, size_t wine_size, unsigned char **data, size_t *size,
                          int *of_wine );

/* Was one file made from the other by adapt()? */
extern int adapted_from( unsigned char *ours, size_t our_size, unsigned char *adapted, size_t size );

#endif /* PORTRES_ADAPT_ADAPT_H */
