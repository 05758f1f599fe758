"""Reading what people wrote of flagged addresses: chats, lists, workbooks and files of a draft."""
