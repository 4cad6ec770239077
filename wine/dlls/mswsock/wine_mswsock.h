/*
 * What mswsock's provider finds in a Wine source tree under another name
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* provider.c also stands in an overlay of mswsock, made with mingw-w64's headers; there this file is one that tools/make_spec makes. */

#define WINBOOL  BOOL
#define __LONG32 LONG
