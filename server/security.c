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

#include "security.h"

#include <aclapi.h>

NTSTATUS user_only_acl( DWORD access, ACL **acl )
{
    union { TOKEN_USER user; char buffer[256]; } info;
    EXPLICIT_ACCESSW entry;
    HANDLE token;
    DWORD size;
    BOOL ret;

    if (!OpenProcessToken( GetCurrentProcess(), TOKEN_QUERY, &token )) return STATUS_ACCESS_DENIED;
    ret = GetTokenInformation( token, TokenUser, &info, sizeof(info), &size );
    CloseHandle( token );
    if (!ret) return STATUS_ACCESS_DENIED;
    ZeroMemory( &entry, sizeof(entry) );
    entry.grfAccessPermissions = access;
    entry.grfAccessMode = SET_ACCESS;
    entry.grfInheritance = NO_INHERITANCE;
    entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    entry.Trustee.ptstrName = info.user.User.Sid;
    return SetEntriesInAclW( 1, &entry, NULL, acl ) ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

SECURITY_ATTRIBUTES *user_only(void)
{
    static SECURITY_DESCRIPTOR descriptor;
    static SECURITY_ATTRIBUTES security;
    ACL *acl;

    if (security.lpSecurityDescriptor) return &security;
    if (user_only_acl( GENERIC_ALL, &acl )) return NULL;
    if (!InitializeSecurityDescriptor( &descriptor, SECURITY_DESCRIPTOR_REVISION ) ||
        !SetSecurityDescriptorDacl( &descriptor, TRUE, acl, FALSE ))
    {
        LocalFree( acl );
        return NULL;
    }
    security.nLength = sizeof(security);
    security.lpSecurityDescriptor = &descriptor;
    return &security;
}

/* Wine makes a file's mode of its list (server/file.c, sd_to_mode). What the owner may do counts for the owner's group as well when both
 * the owner and the one who is given access are in the token of the process, as the user is. The owner here is in no token: what it
 * may do counts for the Unix owner alone. */
static SECURITY_DESCRIPTOR *private_descriptor(void)
{
    SID_IDENTIFIER_AUTHORITY authority = { SECURITY_CREATOR_SID_AUTHORITY };
    static SECURITY_DESCRIPTOR descriptor;
    static BYTE acl[64], owner[SECURITY_MAX_SID_SIZE];

    if (descriptor.Owner) return &descriptor;
    if (!InitializeSid( owner, &authority, 1 )) return NULL;
    *GetSidSubAuthority( owner, 0 ) = SECURITY_CREATOR_OWNER_RID;
    if (!InitializeAcl( (ACL *)acl, sizeof(acl), ACL_REVISION ) ||
        !AddAccessAllowedAce( (ACL *)acl, ACL_REVISION, FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE, owner ) ||
        !InitializeSecurityDescriptor( &descriptor, SECURITY_DESCRIPTOR_REVISION ) ||
        !SetSecurityDescriptorDacl( &descriptor, TRUE, (ACL *)acl, FALSE ) ||
        !SetSecurityDescriptorOwner( &descriptor, owner, FALSE ))
        return NULL;
    return &descriptor;
}

HANDLE create_private_file( const WCHAR *path, DWORD access, DWORD share, DWORD disposition )
{
    SECURITY_ATTRIBUTES attributes = { sizeof(attributes), private_descriptor(), FALSE };
    HANDLE file;
    DWORD error;

    if (!attributes.lpSecurityDescriptor) return INVALID_HANDLE_VALUE;
    file = CreateFileW( path, access | WRITE_DAC | WRITE_OWNER, share, &attributes, disposition, FILE_ATTRIBUTE_NORMAL, NULL );
    if (file == INVALID_HANDLE_VALUE ||
        SetKernelObjectSecurity( file, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, attributes.lpSecurityDescriptor ))
        return file;
    error = GetLastError();
    CloseHandle( file );
    SetLastError( error );
    return INVALID_HANDLE_VALUE;
}
