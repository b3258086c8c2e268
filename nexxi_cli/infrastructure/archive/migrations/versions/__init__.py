"""The steps. One that was released is never edited. Their ids are numbers of four digits that sort."""
