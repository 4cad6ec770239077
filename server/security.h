/*
 * Keeping other users out
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_SECURITY_H
#define PORTRES_SERVER_SECURITY_H

#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* A list that gives access to the user that the server runs as, and to nobody else; for LocalFree(). */
extern NTSTATUS user_only_acl( DWORD access, ACL **acl );

/* The attributes of what only that user may open, in whatever way. (Wine makes it a file's mode, and lets the Unix group
 * read as well when the umask does.) NULL when there is no memory for them. */
extern SECURITY_ATTRIBUTES *user_only(void);

#endif /* PORTRES_SERVER_SECURITY_H */
